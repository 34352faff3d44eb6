import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { EventEmitter } from "node:events";
import type { Failure } from "../failure.ts";
import { ProcessGroup } from "./process-group.ts";
import type { Pending } from "./script-pending.ts";
import { startFailure } from "./start-failure.ts";

/** Milliseconds from the signal that ends a command to SIGKILL: the default of `run`. */
const graceMs = 10_000;

/** An outermost bash whose standard input is a socket, as Node makes it, thinks of a login by rsh and reads ~/.bashrc. */
const innerShell = { SHLVL: "1" };

/** The commands that a script runs with `$`, each in a process group of its own. */
export class ScriptCommands {
  readonly #signal: AbortSignal;
  readonly #pending: Pending;
  readonly #groups = new Set<ProcessGroup>();
  readonly #startFailures = new WeakMap<Error, Failure>();

  /** @param signal once it is aborted, no command is started any more */
  constructor(signal: AbortSignal, pending: Pending) {
    this.#signal = signal;
    this.#pending = pending;
  }

  /** Takes the place of `spawn` in zx. A command that may not be started any more is one that never ends. */
  readonly spawn = (command: string, args: readonly string[], options: SpawnOptions): ChildProcess => {
    if (this.#signal.aborted) return new EventEmitter() as ChildProcess;
    const child = spawn(command, args, { ...options, env: { ...innerShell, ...options.env } });
    void this.#pending.begin(() => new Promise((resolve) => void child.once("close", resolve)));
    child.once("error", (error) => this.#startFailures.set(error, failureOf(error, options)));
    if (child.pid !== undefined) this.#watch(child, child.pid);
    return child;
  };

  #watch(child: ChildProcess, id: number): void {
    const group = new ProcessGroup(id);
    this.#groups.add(group);
    child.once("exit", () => {
      if (!group.isAlive()) this.#forget(group);
    });
  }

  #forget(group: ProcessGroup): void {
    group[Symbol.dispose]();
    this.#groups.delete(group);
  }

  /** Why a command could not be started, from what zx says about it. */
  startFailureOf(error: unknown): Failure | undefined {
    return error instanceof Error ? this.#startFailures.get(error) : undefined;
  }

  /** Ends what still runs: with a signal, and with SIGKILL after the grace. */
  async end(signal: NodeJS.Signals): Promise<void> {
    await Promise.all(
      Array.from(this.#groups, async (group) => {
        await group.end(signal, graceMs);
        this.#forget(group);
      }),
    );
  }
}

function failureOf(error: Error, { shell, cwd, env = process.env }: SpawnOptions): Failure {
  return startFailure({ file: String(shell), cwd: cwd?.toString(), env }, error);
}
