import type { ChildProcess, SpawnOptions } from "node:child_process";
import { type CommandEnd, Failure } from "../failure.ts";
import type { Ids } from "../files/owner.ts";
import { ProcessGroup } from "./process-group.ts";
import { startFailure } from "./start-failure.ts";

/** A program with its arguments; no shell is between. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string | undefined;
  readonly ids: Ids;
  /** Milliseconds from the signal that ends it to SIGKILL. */
  readonly grace: number;
}

/**
 * Runs a command to its end, with initkit's own output and no input. What it leaves running in its process group
 * is ended, too. When `signal` aborts, the whole group gets SIGTERM, or the signal that initkit has got, and SIGKILL
 * after the grace.
 * @throws Failure where it cannot be started; the signal's reason where that aborts
 */
export async function runCommand(command: Command, signal: AbortSignal): Promise<CommandEnd> {
  signal.throwIfAborted();
  const child = await start(command);
  const ended = endOf(child);
  using group = new ProcessGroup(child.pid!);
  using stopped = abortOf(signal);
  const end = await Promise.race([ended, stopped.promise]);
  const isGone = await group.end(end ? "SIGTERM" : signalFor(signal.reason), command.grace);
  if (end) return end;
  if (isGone) await ended;
  else child.unref();
  throw signal.reason;
}

async function start(command: Command): Promise<ChildProcess> {
  const { spawn } = await import("node:child_process");
  const { file, args, env, cwd, ids } = command;
  const options: SpawnOptions = { env, cwd, ...ids, detached: true, stdio: ["ignore", "inherit", "inherit"] };
  try {
    const child = spawn(file, args, options);
    await new Promise<void>((resolve, reject) => void child.once("spawn", resolve).once("error", reject));
    return child;
  } catch (error) {
    throw startFailure(command, error);
  }
}

function endOf(child: ChildProcess): Promise<CommandEnd> {
  return new Promise((resolve) => {
    child.once("exit", (exitCode, signal) => resolve(signal ? { signal } : { exitCode: exitCode! }));
  });
}

/** Settles when the signal aborts. */
export function abortOf(signal: AbortSignal): { readonly promise: Promise<undefined> } & Disposable {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  const stop = () => resolve(undefined);
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  return { promise, [Symbol.dispose]: () => signal.removeEventListener("abort", stop) };
}

const forwarded = new Set<string>(["SIGTERM", "SIGINT", "SIGHUP", "SIGQUIT"]);

/** What ends the commands of a step that ends for this reason. */
export function signalFor(reason: unknown): NodeJS.Signals {
  const kind = reason instanceof Failure && reason.code === "signal" ? reason.kind : "";
  return forwarded.has(kind) ? (kind as NodeJS.Signals) : "SIGTERM";
}
