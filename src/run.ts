import { deadline, now } from "./deadline.ts";
import { asFailure, Failure } from "./failure.ts";
import { count, formatMs } from "./format.ts";
import { skipReason } from "./guards.ts";
import { type Emit, withWarnings } from "./log.ts";
import type { Plan, PlannedStep } from "./plan.ts";
import { type Attempt, retry, type RetryPolicy } from "./retry.ts";
import { StepLog } from "./step-log.ts";
import type { Context, Result } from "./task.ts";

export interface StepOutcome {
  readonly task: string;
  readonly name: string;
  readonly status: "done" | "unchanged" | "skipped" | "failed" | "not-reached";
  /** A failure that let the run go on. */
  readonly optional?: true;
  readonly attempts: number;
  readonly durationMs: number;
  readonly failure?: Failure;
  readonly report?: Readonly<Record<string, unknown>> | undefined;
}

export interface RunOutcome {
  readonly steps: readonly StepOutcome[];
  readonly durationMs: number;
  /** Why the run failed, and in which step (1-based). */
  readonly failure?: Failure;
  readonly failedStep?: number;
}

interface Surroundings {
  readonly signal: AbortSignal;
  readonly env: Context["env"];
  readonly emit: Emit;
}

/** Runs the steps in order until one fails. Never throws; SIGTERM comes as the reason of the signal. */
export async function runPlan(
  { steps, timeout, warnings }: Plan,
  { signal, env, emit }: Surroundings,
): Promise<RunOutcome> {
  const startedAt = now();
  const elapsed = () => Math.round(now() - startedAt);
  const start = {
    level: "info",
    event: "run.start",
    message: count(steps.length, "step"),
    steps: steps.length,
  } as const;
  emit(withWarnings(start, warnings));
  using bound = deadline(signal, timeout, () => runTimedOut(timeout));
  const outcomes: StepOutcome[] = [];
  for (const [index, step] of steps.entries()) {
    using log = new StepLog(emit, {
      step: index + 1,
      steps: steps.length,
      task: step.task.name,
      name: step.name,
    });
    const outcome = await runStep(step, { signal: bound.signal, env, log, endsAt: startedAt + timeout });
    outcomes.push(outcome);
    if (!outcome.failure || outcome.optional) continue;
    outcomes.push(...steps.slice(index + 1).map(notReached));
    return { steps: outcomes, durationMs: elapsed(), failure: outcome.failure, failedStep: index + 1 };
  }
  return { steps: outcomes, durationMs: elapsed() };
}

function runTimedOut(timeout: number): Failure {
  return new Failure("run-timeout", `the run did not end within ${formatMs(timeout)}`, {
    hint: "raise the timeout of the run (--timeout before the first task, INITKIT_TIMEOUT), or find out which step is slow",
  });
}

const notReached = ({ task, name }: PlannedStep): StepOutcome => ({
  task: task.name,
  name,
  status: "not-reached",
  attempts: 0,
  durationMs: 0,
});

interface StepSurroundings {
  readonly signal: AbortSignal;
  readonly env: Context["env"];
  readonly log: StepLog;
  /** Of the run. */
  readonly endsAt: number;
}

async function runStep(step: PlannedStep, surroundings: StepSurroundings): Promise<StepOutcome> {
  const { log, signal } = surroundings;
  const told = { task: step.task.name, name: step.name };
  const attempts = { count: 0 };
  try {
    signal.throwIfAborted();
    const reason = skipReason(step.common);
    if (reason !== undefined) return { ...told, attempts: 0, ...log.skipped(reason) };
    log.started();
    const result = await attemptStep(step, surroundings, attempts);
    return { ...told, attempts: attempts.count, report: result.report, ...log.ended(result, attempts.count) };
  } catch (error) {
    const own = asFailure(error);
    const failure = signal.aborted ? asFailure(signal.reason) : own;
    const optional = step.common.optional && !signal.aborted;
    return {
      ...told,
      attempts: attempts.count,
      failure,
      report: own.report,
      ...log.failed(failure, attempts.count, optional),
    };
  }
}

function attemptStep(
  { task, args, policy: planned }: PlannedStep,
  { signal, env, log, endsAt }: StepSurroundings,
  attempts: { count: number },
): Promise<Result> {
  const policy: RetryPolicy = { ...planned, endsAt: now() + planned.timeout };
  const attemptRepeatedly = <T>(attempt: Attempt<T>, label?: string, within = signal): Promise<T> => {
    const counted: Attempt<T> = (inner, number) => {
      attempts.count++;
      return attempt(inner, number);
    };
    return retry(policy, within, counted, {
      attemptFailed: (failure, number) => log.attemptFailed(failure, number, label),
    });
  };
  const context = {
    env,
    log,
    policy,
    endsAt: Math.min(policy.endsAt, endsAt),
    retry: attemptRepeatedly,
  };
  if (task.pacedBy === "task") return task.run({ ...context, signal }, args);
  return attemptRepeatedly((inner) => task.run({ ...context, signal: inner }, args));
}
