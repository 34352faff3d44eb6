import { Failure } from "../../src/failure.ts";
import type { LogEvent } from "../../src/log.ts";
import { makePlan } from "../../src/plan.ts";
import { Problems } from "../../src/problems.ts";
import { type StepOutcome, runPlan } from "../../src/run.ts";
import { Secrets } from "../../src/secrets.ts";
import { parseSteps } from "../../src/arguments.ts";

export interface TaskRun {
  readonly status: StepOutcome["status"] | "rejected";
  readonly failure?: Failure | undefined;
  readonly logs: readonly LogEvent[];
  readonly attempts: number;
  readonly report: Readonly<Record<string, any>>;
}

export interface TaskSurroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: LogEvent["event"]) => void;
}

/**
 * Runs one step in this process, through the real parser, plan and retry loop.
 * A configuration error has the status `rejected`.
 */
export async function runTask(
  name: string,
  words: readonly string[],
  { env = {}, signal = new AbortController().signal, onEvent }: TaskSurroundings = {},
): Promise<TaskRun> {
  const logs: LogEvent[] = [];
  try {
    const problems = new Problems();
    const values = [name, ...words].map((text, index) => ({ text, place: `argument ${index + 1}` }));
    const steps = await parseSteps(values, problems);
    const plan = await makePlan(
      { steps, warnings: [] },
      undefined,
      { env, secrets: new Secrets(env) },
      problems,
    );
    problems.throwIfAny();
    const emit = (event: LogEvent) => {
      onEvent?.(event.event);
      return logs.push(event) > 0;
    };
    const { steps: outcomes } = await runPlan(plan, { signal, env, emit });
    const { status, failure, attempts, report = {} } = outcomes[0]!;
    return { status, failure, logs, attempts, report };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { status: "rejected", failure: error, logs, attempts: 0, report: {} };
  }
}
