import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { absence } from "../../src/probes/absence.ts";

const never = new AbortController().signal;

const failure = (kind?: string, code: "not-ready" | "refused" = "not-ready"): Failure =>
  new Failure(code, "why", { kind });

/** Which of the looks finds the target gone, where each meets one of these. */
async function goneAt(...looks: readonly (Failure | undefined)[]): Promise<number> {
  let at = 0;
  const look = absence("target", async () => {
    const met = looks[at++];
    if (met) throw met;
  });
  while (at < looks.length) {
    try {
      await look(never);
      return at;
    } catch (error) {
      assert.ok(error instanceof Failure);
    }
  }
  return 0;
}

test("a refused connection, a missing socket, a dropped database and a broken expectation mean gone", async () => {
  for (const kind of ["connect:ECONNREFUSED", "connect:ENOENT", "postgres:3D000", "expectation:status-503"]) {
    assert.equal(await goneAt(failure(kind)), 1, kind);
  }
});

test("silence, certificates and broken connections mean nothing", async () => {
  for (const kind of [
    "connect:timeout",
    "connect:EHOSTUNREACH",
    "tls:certificate",
    "reset",
    "headers-timeout",
    "postgres:57P03",
  ]) {
    assert.equal(await goneAt(failure(kind), failure(kind)), 0, kind);
  }
});

test("a name that is unknown means gone only where it was known", async () => {
  const unknown = failure("dns:not-found");
  assert.equal(await goneAt(unknown, unknown), 0);
  assert.equal(await goneAt(unknown, failure("dns:timeout"), failure("dns:server-failure"), unknown), 0);
  assert.equal(await goneAt(undefined, unknown), 2);
  assert.equal(await goneAt(failure("connect:timeout"), failure("dns:no-data")), 2);
});

test("an attempt that was cut off shows nothing about a name", async () => {
  assert.equal(await goneAt(failure(), failure("dns:not-found")), 0);
});

test("a refusal for good stays one", async () => {
  const refusal = failure("postgres:28P01", "refused");
  const look = absence("target", () => Promise.reject(refusal));
  await assert.rejects(look(never), refusal);
});
