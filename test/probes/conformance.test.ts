import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { targetSchemes } from "../../src/probes/target.ts";
import { initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { type Place, type TargetKind, targetKinds } from "../helpers/target-kinds.ts";
import { fails, ready } from "../helpers/wait.ts";

interface Situation {
  readonly place: Place;
  readonly words: readonly string[];
  readonly kind: TargetKind;
}

/** What must hold for every kind of target. */
const cells: Readonly<Record<string, (situation: Situation) => Promise<void>>> = {
  async ready({ place, words }) {
    await using _ = await place.become("ready");
    const { report } = await ready(place.url, ...words);
    assert.equal(report["targets"][0].ready, true);
  },

  async late({ place, words }) {
    let coming: ReturnType<Place["become"]> | undefined;
    const onEvent = (event: string) => {
      if (event === "attempt.failed") coming ??= place.become("ready");
    };
    const run = await runTask("wait-for", [place.url, ...words, "--timeout", "20s"], { onEvent });
    assert.equal(run.status, "done", String(run.failure?.message));
    assert.ok(run.attempts > 1);
    await (await coming)?.[Symbol.asyncDispose]();
  },

  async hang({ place, words }) {
    await using _ = await place.become("hang");
    const { failure } = await fails("not-ready", place.url, ...words, "--attempt-timeout", "150ms");
    assert.match(failure.kind, /timeout/);
    assert.ok(failure.hint);
  },

  async refused({ place, words, kind: { refusedKind = "connect:ECONNREFUSED" } }) {
    const { failure, attempts } = await fails("not-ready", place.url, ...words);
    assert.equal(failure.kind, refusedKind);
    assert.equal(attempts, 3);
    assert.ok(failure.hint);
  },

  async "wrong protocol"({ place, words, kind: { wrongKind = "protocol" } }) {
    await using _ = await place.become("wrong protocol");
    const { failure } = await fails("not-ready", place.url, ...words);
    assert.equal(failure.kind, wrongKind, failure.message);
    assert.ok(failure.hint);
  },

  async "refused for good"({ place, words }) {
    await using _ = await place.become("refused for good");
    const { failure, attempts, report } = await fails("refused", place.urlWithLogin, ...words);
    assert.equal(failure.exitCode, 20);
    assert.equal(attempts, 1);
    assert.doesNotMatch(JSON.stringify([failure.message, failure.hint, report]), /wr0ngword/);
  },

  async SIGTERM({ place, words }) {
    const { exitCode, report } = await initkit(["wait-for", place.url, ...words, "--timeout", "0"], {
      onEvent: ({ event }, process) => event === "attempt.failed" && process.kill("SIGTERM"),
    });
    assert.equal(exitCode, 143);
    assert.equal(report!["steps"][0].error.code, "signal");
  },

  async "JSON event"({ place, words }) {
    await using _ = await place.become("ready");
    const { exitCode, stdout, stderr, events } = await initkit(["wait-for", place.url, ...words]);
    assert.equal(exitCode, 0, stderr);
    assert.equal(stdout, "");
    assert.equal(events.length, stderr.trim().split("\n").length);
    const done = events.find(({ event }) => event === "step.done")!;
    assert.deepEqual([done["task"], done["step"], done["steps"], done["level"]], ["wait-for", 1, 1, "info"]);
    assert.equal(typeof done["durationMs"], "number");
  },
};

test("every kind of target has a row", () => {
  assert.deepEqual(Object.keys(targetKinds).toSorted(), targetSchemes.toSorted());
});

test("what a row leaves out cannot be, or stands in a test of its own", () => {
  const tests = join(import.meta.dirname, "..");
  for (const [name, { exceptions = {} }] of Object.entries(targetKinds)) {
    for (const [cell, exception] of Object.entries(exceptions)) {
      assert.ok(cell in cells, `${name}: ${cell}`);
      if ("never" in exception) continue;
      const [file, title] = exception.shownBy;
      assert.ok(readFileSync(join(tests, file), "utf8").includes(`test("${title}", `), `${file}: ${title}`);
    }
  }
});

for (const [name, kind] of Object.entries(targetKinds)) {
  describe(name, () => {
    let folder: string;
    before(() => void (folder = mkdtempSync(join(tmpdir(), "initkit-kind-"))));
    after(() => rmSync(folder, { recursive: true }));

    for (const [cell, check] of Object.entries(cells)) {
      if (kind.exceptions?.[cell]) continue;
      test(cell, async () => {
        const place = await kind.place(folder);
        await check({ place, words: kind.options?.(folder) ?? [], kind });
      });
    }
  });
}
