import { realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { exitLine, told } from "./failure.ts";
import { count, formatMs, quote } from "./format.ts";
import type { Globals } from "./globals.ts";
import { type Emit, type LogEvent, withWarnings, write } from "./log.ts";
import type { RunOutcome, StepOutcome } from "./run.ts";
import type { Secrets } from "./secrets.ts";
import { fileFailure } from "./system-errors.ts";
import { defaultTerminationLog, terminationMessage } from "./termination.ts";
import { version } from "./version.ts";

interface Destination {
  readonly globals: Pick<Globals, "report" | "termination-log">;
  readonly secrets: Secrets;
  readonly emit: Emit;
}

/** Tells how the run ended: in the report, the termination message and the last line of the log. */
export function reportRun(
  outcome: RunOutcome,
  startedAt: Date,
  { globals, secrets, emit }: Destination,
): void {
  const { report, "termination-log": terminationLog = defaultTerminationLog() } = globals;
  const problems: string[] = [];
  const writing = (what: string, path: string, action: () => void) => {
    problems.push(...problemOf(`${what} ${quote(path)}`, action));
  };
  if (report !== undefined) {
    const content = secrets.redactAll(reportOf(outcome, startedAt));
    writing("the report", report, () => writeReport(report, `${JSON.stringify(content, undefined, 2)}\n`));
  }
  if (outcome.failure && terminationLog) {
    const message = terminationMessage(outcome, outcome.failure, secrets);
    writing("the termination message", terminationLog, () => writeInPlace(terminationLog, message));
  }
  emit(withWarnings(lastEvent(outcome), problems));
}

/** What cannot be written is worth a warning and no more: the exit code stays what it was. */
function problemOf(what: string, action: () => void): string[] {
  try {
    action();
    return [];
  } catch (error) {
    return [fileFailure(`cannot write ${what}`, error).message];
  }
}

export function lastEvent({ failure, failedStep, steps, durationMs }: RunOutcome): LogEvent {
  if (!failure) return { level: "info", event: "run.done", message: summary(steps, durationMs), durationMs };
  const error = told(failure);
  if (failedStep === undefined)
    return { level: "error", event: "run.failed", message: failure.message, durationMs, error };
  const { task, name } = steps[failedStep - 1]!;
  const message = `failed in step ${failedStep} of ${steps.length} (${name}), ${exitLine(failure, failedStep)}`;
  return {
    level: "error",
    event: "run.failed",
    message,
    step: failedStep,
    steps: steps.length,
    task,
    name,
    durationMs,
    error,
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

/**
 * The descriptor that a path such as `/dev/stdout` is another name of. It is written to as it is: it cannot be opened
 * anew where it is a socket or another user's, and a file would lose what was written to it before.
 */
function descriptorOf(path: string): number | undefined {
  const [, name, number] = /^\/dev\/(stdout|stderr)$|^(?:\/dev|\/proc\/self)\/fd\/([0-9]+)$/.exec(path) ?? [];
  if (name !== undefined) return name === "stdout" ? 1 : 2;
  return number === undefined ? undefined : Number(number);
}

function writeInPlace(path: string, text: string): void {
  const descriptor = descriptorOf(path);
  if (descriptor === undefined) writeFileSync(path, text);
  else write(descriptor, text);
}

/** A reader never sees half a report: it appears by rename, unless something special stands there, or forbids it. */
function writeReport(given: string, text: string): void {
  const there = statSync(given, { throwIfNoEntry: false });
  if (descriptorOf(given) !== undefined || (there && !there.isFile())) return writeInPlace(given, text);
  const path = there ? realpathSync(given) : given;
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(temporary, text, { flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (fileFailure("", error).code === "io") throw error;
    writeFileSync(path, text);
  }
}
