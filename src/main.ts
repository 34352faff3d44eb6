import { describePlan } from "./check.ts";
import { asFailure } from "./failure.ts";
import { type CommandLine, type Globals, parseCommandLine, resolveGlobals } from "./globals.ts";
import { createLog, type Emit, write } from "./log.ts";
import { makePlan, type Plan } from "./plan.ts";
import { Problems } from "./problems.ts";
import { reportRun } from "./report.ts";
import { type RunOutcome, runPlan } from "./run.ts";
import { Secrets } from "./secrets.ts";
import { endOnSignals } from "./signals.ts";
import { readSource } from "./sources.ts";
import { isTerminal } from "./terminal.ts";
import { version } from "./version.ts";

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const problems = new Problems();
  const line = parseCommandLine(argv, problems);
  switch (line.command) {
    case "version":
      return print(`${version}\n`);
    case "help":
      return print(await (await import("./help.ts")).help(line.words[0]?.text));
    case "schema":
      return print(`${JSON.stringify(await (await import("./schema.ts")).documentSchema(), undefined, 2)}\n`);
    case "check":
    case "run":
      return runSteps(line, env, problems);
  }
}

async function runSteps(line: CommandLine, env: NodeJS.ProcessEnv, problems: Problems): Promise<number> {
  const signal = endOnSignals();
  const startedAt = new Date();
  const secrets = new Secrets(env);
  const globals = resolveGlobals(line.options, env, problems);
  const emit = createLog(formatOf(globals), globals["log-level"], secrets);
  const outcome = await runCommand(line, globals, { signal, env, secrets, emit, problems });
  if (line.command === "check" && !outcome.failure) return 0;
  reportRun(outcome, startedAt, { globals, secrets, emit });
  return outcome.failure?.exitCode ?? 0;
}

interface Surroundings {
  readonly signal: AbortSignal;
  readonly env: NodeJS.ProcessEnv;
  readonly secrets: Secrets;
  readonly emit: Emit;
  readonly problems: Problems;
}

async function runCommand(
  line: CommandLine,
  globals: Globals,
  surroundings: Surroundings,
): Promise<RunOutcome> {
  const { signal, env, secrets, emit } = surroundings;
  try {
    const plan = await planOf(line, globals, surroundings);
    if (line.command === "run") return await runPlan(plan, { signal, env, emit });
    print(secrets.redact(describePlan(plan)));
    return { steps: [], durationMs: 0 };
  } catch (error) {
    return { steps: [], durationMs: 0, failure: asFailure(error) };
  }
}

async function planOf(
  line: CommandLine,
  globals: Globals,
  { env, secrets, emit, problems }: Surroundings,
): Promise<Plan> {
  const source = await readSource(line, env, problems);
  for (const message of source.warnings) emit({ level: "warn", event: "run.start", message });
  const plan = await makePlan(source, globals.timeout, { env, secrets }, problems);
  problems.throwIfAny();
  return plan;
}

function formatOf(globals: Globals): "text" | "json" {
  const format = globals["log-format"];
  return format === "auto" ? (isTerminal(2) ? "text" : "json") : format;
}

function print(text: string): number {
  write(1, text);
  return 0;
}

function crash(error: unknown): never {
  const failure = asFailure(error);
  write(2, `initkit: ${failure.message}\n${failure.hint ?? ""}\n`);
  process.exit(failure.exitCode);
}

process.on("uncaughtException", crash);
main(process.argv.slice(2), process.env).then((code) => process.exit(code), crash);
