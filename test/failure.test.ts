import assert from "node:assert/strict";
import { test } from "node:test";
import {
  asFailure,
  exitLine,
  Failure,
  type FailureCode,
  failureCodes,
  restate,
  told,
} from "../src/failure.ts";

/** The exit table of the documentation. */
const table: Readonly<Record<FailureCode, readonly [exitCode: number, anotherTryCanHelp: boolean]>> = {
  internal: [1, false],
  configuration: [2, false],
  "not-ready": [10, true],
  "source-unavailable": [11, true],
  "database-unavailable": [12, true],
  "command-timeout": [13, true],
  io: [14, true],
  refused: [20, false],
  integrity: [21, false],
  sql: [22, false],
  history: [23, false],
  access: [24, false],
  "command-failed": [25, false],
  "run-timeout": [124, true],
  signal: [128, true],
};

test("every code has the exit code of the table, and says whether another try can help", () => {
  assert.deepEqual(failureCodes.toSorted(), Object.keys(table).toSorted());
  for (const [code, [exitCode, helps]] of Object.entries(table) as [
    FailureCode,
    readonly [number, boolean],
  ][]) {
    const failure = new Failure(code, "x");
    assert.equal(failure.exitCode, exitCode, code);
    assert.match(exitLine(failure, 1), new RegExp(`^exit code ${exitCode}: \\S`));
    assert.equal(exitLine(failure, 1).includes("another try can help"), helps, code);
  }
});

test("a signal ends with 128 and its number", () => {
  assert.equal(new Failure("signal", "x", { signal: 15 }).exitCode, 143);
  assert.equal(new Failure("signal", "x", { signal: 2 }).exitCode, 130);
});

test("a failure with another message is the same in everything else", () => {
  const options = {
    hint: "h",
    permanent: true,
    retryAfter: 5,
    progressed: true,
    kind: "k",
    signal: 15,
    command: { exitCode: 3 },
    report: { a: 1 },
  };
  const before = new Failure("signal", "one", options);
  const after = restate(before, "two");
  assert.equal(after.message, "two");
  assert.deepEqual(Object.entries(after), Object.entries(before));
});

test("what is told of a failure is what logs and the report promise", () => {
  assert.deepEqual(told(new Failure("command-failed", "m", { hint: "h", command: { signal: "SIGSEGV" } })), {
    code: "command-failed",
    exitCode: 25,
    message: "m",
    hint: "h",
    permanent: true,
    command: { signal: "SIGSEGV" },
  });
  assert.deepEqual(Object.keys(told(new Failure("io", "m"))), ["code", "exitCode", "message", "permanent"]);
});

test("anything thrown becomes a failure, a defect where it was none", () => {
  const failure = new Failure("io", "x");
  assert.equal(asFailure(failure), failure);
  for (const thrown of [new Error("x"), "x", undefined, null, 1, {}])
    assert.equal(asFailure(thrown).exitCode, 1);
});
