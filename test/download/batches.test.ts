import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { Batches } from "../../src/download/batches.ts";

/** Batches whose use ends when the test says so. */
function heldBatches() {
  const used: string[][] = [];
  const ends: PromiseWithResolvers<void>[] = [];
  const batches = new Batches((batch) => {
    used.push(batch.map(String));
    ends.push(Promise.withResolvers());
    return ends.at(-1)!.promise;
  });
  return { batches, used, ends };
}

test("what comes while one batch is in use makes the next one, in order", async () => {
  const { batches, used, ends } = heldBatches();
  for (const piece of ["a", "b", "c"]) await batches.add(Buffer.from(piece));
  assert.deepEqual(used, [["a"]]);
  const finished = batches.finish();
  ends[0]!.resolve();
  await setImmediate();
  assert.deepEqual(used, [["a"], ["b", "c"]]);
  ends[1]!.resolve();
  await finished;
  await batches.add(Buffer.from("d"));
  assert.deepEqual(used.at(-1), ["d"]);
});

test("where too much waits, nothing more is taken before the batch in use has ended", async () => {
  const { batches, ends } = heldBatches();
  await batches.add(Buffer.from("a"));
  let hasRoom = false;
  const room = batches.add(Buffer.alloc(1024 * 1024)).then(() => (hasRoom = true));
  await setImmediate();
  assert.ok(!hasRoom);
  ends[0]!.resolve();
  await room;
});

test("after a failure nothing more is used, and whoever adds or finishes is told", async () => {
  const { batches, used, ends } = heldBatches();
  const failure = new Error("full");
  await batches.add(Buffer.from("a"));
  const waiting = batches.add(Buffer.alloc(1024 * 1024));
  ends[0]!.reject(failure);
  await assert.rejects(waiting, failure);
  await assert.rejects(batches.add(Buffer.alloc(1024 * 1024)), failure);
  await assert.rejects(batches.finish(), failure);
  assert.equal(used.length, 1);
});

test("a failure that nobody waits for ends no process", async () => {
  const { batches, ends } = heldBatches();
  await batches.add(Buffer.from("a"));
  ends[0]!.reject(new Error("full"));
  await setImmediate();
  await assert.rejects(batches.finish());
});
