import { renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { exitLine, told } from "./failure.ts";
import { count, formatMs } from "./format.ts";
import type { Globals } from "./globals.ts";
import type { Emit, LogEvent } from "./log.ts";
import type { RunOutcome, StepOutcome } from "./run.ts";
import type { Secrets } from "./secrets.ts";
import { defaultTerminationLog, terminationMessage } from "./termination.ts";
import { version } from "./version.ts";

interface Destination {
  readonly globals: Pick<Globals, "report" | "termination-log">;
  readonly secrets: Secrets;
  readonly emit: Emit;
}

/** Tells how the run ended: the last line of the log, the report and the termination message. */
export function reportRun(
  outcome: RunOutcome,
  startedAt: Date,
  { globals, secrets, emit }: Destination,
): void {
  emit(lastEvent(outcome));
  if (globals.report !== undefined) {
    const text = `${JSON.stringify(secrets.redactAll(reportOf(outcome, startedAt)), undefined, 2)}\n`;
    writing(`the report ${globals.report}`, emit, () => writeReport(globals.report!, text));
  }
  const path = globals["termination-log"] ?? defaultTerminationLog();
  if (outcome.failure && path) {
    const text = terminationMessage(outcome, outcome.failure, secrets);
    writing(`the termination message ${path}`, emit, () => writeFileSync(path, text));
  }
}

function lastEvent({ failure, failedStep, steps, durationMs }: RunOutcome): LogEvent {
  if (!failure) return { level: "info", event: "run.done", message: summary(steps, durationMs), durationMs };
  const error = told(failure);
  if (failedStep === undefined)
    return { level: "error", event: "run.failed", message: failure.message, durationMs, error };
  const { task, name } = steps[failedStep - 1]!;
  const message = `failed in step ${failedStep} of ${steps.length} (${name}), ${exitLine(failure)}`;
  const { hint: _, ...rest } = error;
  return {
    level: "error",
    event: "run.failed",
    message,
    step: failedStep,
    steps: steps.length,
    task,
    durationMs,
    error: rest,
  };
}

function summary(outcomes: readonly StepOutcome[], durationMs: number): string {
  const parts = (["done", "unchanged", "skipped", "failed"] as const).flatMap((status) => {
    const number = outcomes.filter((outcome) => outcome.status === status).length;
    return number > 0 ? [`${number} ${status}`] : [];
  });
  return `${count(outcomes.length, "step")} in ${formatMs(durationMs)}: ${parts.join(", ")}`;
}

function reportOf({ failure, steps, durationMs }: RunOutcome, startedAt: Date): object {
  return {
    version,
    status: failure ? "failed" : "done",
    exitCode: failure?.exitCode ?? 0,
    startedAt: startedAt.toISOString(),
    durationMs,
    ...(failure && { error: told(failure) }),
    steps: steps.map(stepReport),
  };
}

function stepReport({
  task,
  name,
  status,
  optional,
  attempts,
  durationMs,
  failure,
  report,
}: StepOutcome): object {
  const error = failure && told(failure);
  return {
    task,
    name,
    status,
    ...(optional && { optional }),
    attempts,
    durationMs,
    ...(error && { error }),
    ...report,
  };
}

/** A reader never sees half a report: it appears by rename, unless something special stands there. */
function writeReport(path: string, text: string): void {
  const there = statSync(path, { throwIfNoEntry: false });
  if (there && !there.isFile()) return writeFileSync(path, text);
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, path);
  } catch {
    rmSync(temporary, { force: true });
    writeFileSync(path, text);
  }
}

function writing(what: string, emit: Emit, action: () => void): void {
  try {
    action();
  } catch (error) {
    const message = `cannot write ${what}: ${(error as Error).message}`;
    emit({ level: "warn", event: "run.progress", message });
  }
}
