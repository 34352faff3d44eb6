import { parseDuration } from "../../src/kinds.ts";
import type { LogEvent } from "../../src/log.ts";
import type { PlannedStep } from "../../src/plan.ts";
import { type RunOutcome, runPlan } from "../../src/run.ts";
import { type AnyTask, type Context, defineTask, done, type Result } from "../../src/task.ts";

type Run = (context: Context) => Promise<Result>;

/** A planned step of a task that does what a test wants. */
export function step(
  run: Run = async () => done(),
  common: Partial<PlannedStep["common"]> = {},
  policy: Partial<PlannedStep["policy"]> = {},
): PlannedStep {
  const task: AnyTask = defineTask({
    name: "sleep",
    summary: "",
    operands: {},
    options: {},
    pacing: { timeout: "0", "attempt-timeout": "0", retries: "0", backoff: "1s" },
    timeoutCode: "not-ready",
    run,
  });
  return {
    task,
    name: common.name ?? "a step",
    args: {},
    common: { optional: false, ...common } as PlannedStep["common"],
    policy: {
      timeout: Infinity,
      attemptTimeout: Infinity,
      retries: Infinity,
      backoff: { first: parseDuration("1s") },
      timeoutCode: "not-ready",
      ...policy,
    },
    texts: new Map(),
  };
}

export interface Ran extends RunOutcome {
  readonly events: readonly LogEvent[];
}

export interface RunOptions {
  readonly timeout?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: LogEvent) => void;
}

export async function running(
  steps: readonly PlannedStep[],
  { timeout = Infinity, signal = new AbortController().signal, onEvent = () => {} }: RunOptions = {},
): Promise<Ran> {
  const events: LogEvent[] = [];
  const emit = (event: LogEvent): boolean => {
    events.push(event);
    onEvent(event);
    return event.level !== "debug";
  };
  const outcome = await runPlan({ steps, timeout, warnings: [] }, { signal, env: {}, emit });
  return { ...outcome, events };
}
