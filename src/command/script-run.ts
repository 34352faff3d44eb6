import { setImmediate } from "node:timers/promises";
import { abortOf, signalFor } from "./run-command.ts";
import { beginScript } from "./script-begin.ts";
import { ScriptCommands } from "./script-commands.ts";
import { scriptFailure } from "./script-failure.ts";
import { Pending } from "./script-pending.ts";
import { type ScriptExit, scriptProcess } from "./script-process.ts";
import { type Scope, scopeOf } from "./script-scope.ts";
import { shellOptions } from "./script-shell.ts";
import { compileScript, scopeNames, type ScriptSource } from "./script-source.ts";

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Runs a script to its end: to that of its text, and of the commands, pauses and requests that it has begun.
 * Commands are ended as by `run` when `signal` aborts.
 * @param ms after which `signal` aborts at the latest; `Infinity` for never
 * @throws Failure `command-failed`; the signal's reason where that aborts
 */
export async function runScript(
  source: ScriptSource,
  env: Environment,
  signal: AbortSignal,
  ms: number,
): Promise<void> {
  const [zx, { default: yaml }] = await Promise.all([loadZx(), import("yaml")]);
  signal.throwIfAborted();
  // An end by process.exit or by an error that nobody catches is one for all that has been begun.
  const over = new AbortController();
  const until = AbortSignal.any([signal, over.signal]);
  const pending = new Pending(until);
  const commands = new ScriptCommands(until, pending);
  const ending = Promise.withResolvers<void>();
  const own = { ...env };
  const process = scriptProcess(own, (exit) => settle(ending, exit));
  const scope: Scope = scopeOf({ zx, yaml, process, pending, signal: until });
  const program = compileScript(source);
  const run = async () => {
    await zx.within(() => {
      Object.assign(zx.$, shellOptions(zx, own, commands));
      return beginScript(() => program(...scopeNames.map((name) => scope[name])), ms);
    });
    await pending.none();
    if (process.exitCode) process.exit();
  };
  using _folder = keptFolder();
  using _errors = caughtErrors(ending.reject);
  using stopped = abortOf(signal);
  try {
    await Promise.race([run(), ending.promise, stopped.promise]);
  } catch (error) {
    if (!signal.aborted) throw scriptFailure(error, source, commands, zx.ProcessOutput);
  } finally {
    over.abort();
    await commands.end(signalFor(signal.reason));
    // What has been broken off may still fail, and that must be noticed before it becomes a defect of initkit.
    await setImmediate();
    await Promise.race([outputWritten(), stopped.promise.catch(() => {})]);
  }
  signal.throwIfAborted();
}

/** What a slow reader of a pipe has not taken yet would be lost with the process. */
async function outputWritten(): Promise<void> {
  const streams = [process.stdout, process.stderr];
  await Promise.all(
    streams.map((stream) => new Promise<void>((resolve) => stream.write("", () => resolve()))),
  );
}

async function loadZx(): Promise<typeof import("zx/core")> {
  const zx = await import("zx/core");
  // zx keeps one line of the stack, and that one may be initkit's own.
  zx.Fail.getCallerLocation = (error = new Error()) => error.stack ?? "";
  return zx;
}

function settle({ resolve, reject }: PromiseWithResolvers<void>, exit: ScriptExit): void {
  if (exit.exitCode === 0) resolve();
  else reject(exit);
}

/** A script may change the working folder, which is that of the whole process. */
function keptFolder(): Disposable {
  const folder = process.cwd();
  return { [Symbol.dispose]: () => process.chdir(folder) };
}

/** While a script runs, an error that nobody catches is the script's. */
function caughtErrors(tell: (error: unknown) => void): Disposable {
  process.setUncaughtExceptionCaptureCallback(tell);
  return { [Symbol.dispose]: () => process.setUncaughtExceptionCaptureCallback(null) };
}
