import type { ProcessOutput } from "zx/core";
import { type CommandEnd, Failure, restate } from "../failure.ts";
import { beginningOf, serverWords } from "../format.ts";
import type { ScriptCommands } from "./script-commands.ts";
import { ScriptExit } from "./script-process.ts";
import { placeIn, scopeNames, type ScriptSource, useRequire } from "./script-source.ts";

/**
 * Why a script failed, from what it threw: 25, with the line in the document.
 * @param Output the class of what zx throws when a command fails
 */
export function scriptFailure(
  error: unknown,
  source: ScriptSource,
  commands: ScriptCommands,
  Output: typeof ProcessOutput,
): Failure {
  if (error instanceof ScriptExit) return exitFailure(error, source);
  if (!(error instanceof Output)) return thrownFailure(error, source);
  const notStarted = commands.startFailureOf(error.cause);
  if (notStarted) return restate(notStarted, at(placeOf(error, source), notStarted.message));
  return error.cause ? thrownFailure(error.cause, source) : commandFailure(error, source);
}

function exitFailure(exit: ScriptExit, source: ScriptSource): Failure {
  const { exitCode, stack = "" } = exit;
  return failed(at(placeIn(source, stack), `the script ended with exit code ${exitCode}`), {
    hint: "what it wrote itself stands above in the log",
    command: { exitCode },
  });
}

function thrownFailure(error: unknown, source: ScriptSource): Failure {
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  return failed(at(placeIn(source, stack), wordsOf(error)), { hint: hintFor(error), cause: error });
}

function hintFor(error: unknown): string {
  if (codeOf(error)?.startsWith("ERR_VM_DYNAMIC_IMPORT")) return useRequire;
  if (error instanceof ReferenceError) return inScope;
  return "the script threw this: correct it there, or set retries if another try can help";
}

/** A script of zx may want more of it: `glob`, `chalk`, … */
const inScope = `of zx and Node.js there are ${scopeNames.join(", ")}, and the globals of Node.js; require("node:fs") and its like bring the rest`;

const codeOf = (error: unknown): string | undefined =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : undefined;

const maxCauses = 3;

/** An error with its causes: `fetch failed` alone tells nothing. */
function wordsOf(error: unknown, causes = maxCauses): string {
  if (!(error instanceof Error)) return `thrown: ${short(String(error))}`;
  const own = short(error.name === "Error" ? error.message : `${error.name}: ${error.message}`);
  return error.cause instanceof Error && causes > 0 ? `${own}: ${wordsOf(error.cause, causes - 1)}` : own;
}

function commandFailure(output: ProcessOutput, source: ScriptSource): Failure {
  const { signal, exitCode, stderr } = output;
  const end: CommandEnd = signal ? { signal } : { exitCode: exitCode! };
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${exitCode}`;
  const says = lastLines(stderr);
  return failed(at(placeOf(output, source), `a command ${how}${says && `: ${says}`}`), {
    hint: commandHint(end),
    command: end,
  });
}

function commandHint(end: CommandEnd): string {
  if ("exitCode" in end && end.exitCode === 127) {
    return "the shell did not find a program: use initkit:shell, which has busybox, or `initkit install` to run initkit inside the image that has the program";
  }
  return "what it wrote to standard error stands above in the log; $.verbose = true shows all that commands write";
}

/** zx writes where the command was begun behind what the command wrote itself. */
const placeOf = ({ message, stderr }: ProcessOutput, source: ScriptSource): string | undefined =>
  placeIn(source, message.slice(stderr.length));

const maxLines = 5;

const lastLines = (text: string): string => short(text.trim().split("\n").slice(-maxLines).join("\n"));

const maxLength = 1000;

const short = (text: string): string =>
  text.length > maxLength ? `${serverWords(beginningOf(text, maxLength))}…` : serverWords(text);

const at = (place: string | undefined, message: string): string => (place ? `${place}: ${message}` : message);

const failed = (message: string, options: ConstructorParameters<typeof Failure>[2]): Failure =>
  new Failure("command-failed", message, { permanent: false, ...options });
