import { asFailure, type Failure } from "../../src/failure.ts";
import { parseCommandLine, resolveGlobals } from "../../src/globals.ts";
import { makePlan, type Plan, type PlannedStep } from "../../src/plan.ts";
import { Problems } from "../../src/problems.ts";
import { Secrets } from "../../src/secrets.ts";
import { readSource } from "../../src/sources.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Planned {
  readonly plan?: Plan;
  readonly failure?: Failure;
  readonly warnings: readonly string[];
  readonly secrets: Secrets;
}

/** What the entry point makes of arguments and variables before anything runs. */
export async function planned(argv: readonly string[], env: Environment = {}): Promise<Planned> {
  const problems = new Problems();
  const secrets = new Secrets(env);
  let warnings: readonly string[] = [];
  try {
    const line = parseCommandLine(argv, problems);
    const globals = resolveGlobals(line.options, { env, secrets }, problems);
    const source = await readSource(line, globals.file, env, problems);
    warnings = source.warnings;
    const plan = await makePlan(source, globals.timeout, { env, secrets }, problems);
    problems.throwIfAny();
    return { plan, warnings, secrets };
  } catch (error) {
    return { failure: asFailure(error), warnings, secrets };
  }
}

/** The steps of a configuration that must be right. */
export async function steps(argv: readonly string[], env: Environment = {}): Promise<readonly PlannedStep[]> {
  const { plan, failure } = await planned(argv, env);
  if (!plan) throw failure!;
  return plan.steps;
}

/** The names of the steps, for steps that have one. */
export async function names(argv: readonly string[], env: Environment = {}): Promise<readonly string[]> {
  return (await steps(argv, env)).map(({ name }) => name);
}

/** The configuration error of a configuration that must be wrong, redacted as a user would see it. */
export async function mistake(argv: readonly string[], env: Environment = {}): Promise<string> {
  const { failure, plan, secrets } = await planned(argv, env);
  if (plan || failure?.code !== "configuration")
    throw new Error("this was to be a configuration error", { cause: failure });
  return secrets.redact(failure.message);
}

/** A document given in INITKIT_STEPS. */
export const document = (text: string, env: Environment = {}): Environment => ({
  ...env,
  INITKIT_STEPS: text,
});
