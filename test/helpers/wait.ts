import assert from "node:assert/strict";
import type { Failure } from "../../src/failure.ts";
import { runTask, type TaskRun } from "./run-task.ts";

/** Waits for targets, which must become ready (or gone). */
export async function ready(...words: string[]): Promise<TaskRun> {
  const run = await runTask("wait-for", [...words, "--timeout", "60s"]);
  assert.equal(run.status, "done", String(run.failure?.message));
  return run;
}

export interface Failed {
  readonly failure: Failure;
  readonly attempts: number;
  readonly report: TaskRun["report"];
}

/** Looks a few times, quickly, and expects a failure of this code. */
export async function fails(code: "not-ready" | "refused", ...words: string[]): Promise<Failed> {
  const impatient = ["--retries", "2", "--backoff", "5ms", "--timeout", "20s"];
  const { failure, attempts, report } = await runTask("wait-for", [...words, ...impatient]);
  assert.equal(failure?.code, code, String(failure?.message));
  return { failure, attempts, report };
}
