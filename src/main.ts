import { describePlan } from "./check.ts";
import { asFailure, Failure } from "./failure.ts";
import { type CommandLine, type Globals, parseCommandLine, resolveGlobals } from "./globals.ts";
import { createLog, type Emit, write } from "./log.ts";
import { makePlan, type Plan } from "./plan.ts";
import { Problems } from "./problems.ts";
import { lastEvent, reportRun } from "./report.ts";
import { type RunOutcome, runPlan } from "./run.ts";
import { Secrets } from "./secrets.ts";
import { endOnSignals } from "./signals.ts";
import { readSource } from "./sources.ts";
import { errnoOf, fileFailure } from "./system-errors.ts";
import { isTerminal } from "./terminal.ts";
import { version } from "./version.ts";

async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const problems = new Problems();
  const line = parseCommandLine(argv, problems);
  if (line.command === "run" || line.command === "check") return runSteps(line, { env, problems });
  problems.throwIfAny();
  return print(await textOf(line));
}

async function textOf({ command, words }: CommandLine): Promise<string> {
  switch (command) {
    case "help":
      return (await import("./help.ts")).help(words[0]?.text);
    case "schema":
      return `${JSON.stringify(await (await import("./schema.ts")).documentSchema(), undefined, 2)}\n`;
    default:
      return `${version}\n`;
  }
}

interface Configuration {
  readonly env: NodeJS.ProcessEnv;
  readonly problems: Problems;
}

async function runSteps(line: CommandLine, { env, problems }: Configuration): Promise<number> {
  const startedAt = new Date();
  const globals = resolveGlobals(line.options, { env, secrets }, problems);
  const emit = createLog(formatOf(globals), globals["log-level"], secrets, isTerminal(2));
  const destination = { globals, secrets, emit };
  const plan = await planned(line, globals, { env, problems });
  if (line.command === "check") return check(plan, emit);
  const outcome =
    plan instanceof Failure ? notStarted(plan) : await runPlan(plan, { signal: endOnSignals(), env, emit });
  reportRun(outcome, startedAt, destination);
  return outcome.failure?.exitCode ?? 0;
}

async function planned(
  line: CommandLine,
  { file, timeout }: Globals,
  configuration: Configuration,
): Promise<Plan | Failure> {
  const { env, problems } = configuration;
  try {
    const source = await readSource(line, file, env, problems);
    const plan = await makePlan(source, timeout, { env, secrets }, problems);
    problems.throwIfAny();
    return plan;
  } catch (error) {
    return asFailure(error);
  }
}

function check(plan: Plan | Failure, emit: Emit): number {
  if (plan instanceof Failure) {
    emit(lastEvent(notStarted(plan)));
    return plan.exitCode;
  }
  for (const message of plan.warnings) emit({ level: "warn", event: "run.start", message });
  return print(describePlan(plan, (text) => secrets.redact(text)));
}

const notStarted = (failure: Failure): RunOutcome => ({ steps: [], durationMs: 0, failure });

function formatOf(globals: Globals): "text" | "json" {
  const format = globals["log-format"];
  return format === "auto" ? (isTerminal(2) ? "text" : "json") : format;
}

/** A reader that has seen enough and closes the pipe, as `head` does, is no failure. */
function print(text: string): number {
  try {
    write(1, text);
  } catch (error) {
    if (errnoOf(error) !== "EPIPE") throw fileFailure("cannot write to standard output", error);
  }
  return 0;
}

function crash(error: unknown): never {
  const { message, hint, exitCode } = asFailure(error);
  write(2, secrets.redact(`initkit: ${message}\n${hint ? `${hint}\n` : ""}`));
  process.exit(exitCode);
}

const secrets = new Secrets(process.env);
process.on("uncaughtException", crash);
// Node's own warnings are no lines of the log, and what it says of NODE_TLS_REJECT_UNAUTHORIZED is not so here.
process.removeAllListeners("warning");
main(process.argv.slice(2), process.env).then((code) => process.exit(code), crash);
