import { readdirSync, readFileSync } from "node:fs";
import { now, pause } from "../deadline.ts";
import { errnoOf } from "../system-errors.ts";

/** How long the kernel may take to end what has got SIGKILL, in milliseconds. */
const killMs = 2000;
const pollMs = 20;

const living = new Set<ProcessGroup>();
const killAll = (): void => living.forEach((group) => group.send("SIGKILL"));

/** A command with all that it has started: a process group of its own. It does not outlive initkit. */
export class ProcessGroup implements Disposable {
  readonly #id: number;

  /** @param id of the process that leads the group */
  constructor(id: number) {
    this.#id = id;
    if (living.size === 0) process.on("exit", killAll);
    living.add(this);
  }

  [Symbol.dispose](): void {
    living.delete(this);
    if (living.size === 0) process.off("exit", killAll);
  }

  /** Says whether there was anybody to get it. Where that is forbidden, it has no effect. */
  send(signal: NodeJS.Signals): boolean {
    try {
      return process.kill(-this.#id, signal);
    } catch (error) {
      return errnoOf(error) === "EPERM";
    }
  }

  /** Whether a process is left that still runs: one that has ended may wait for ever for somebody to notice. */
  isAlive(): boolean {
    try {
      process.kill(-this.#id, 0);
    } catch (error) {
      if (errnoOf(error) === "ESRCH") return false;
    }
    return processes().some(({ group, state }) => group === this.#id && state !== "Z" && state !== "X");
  }

  /** Ends the group: with a signal, and with SIGKILL after `grace` milliseconds. Says whether it is gone. */
  async end(signal: NodeJS.Signals, grace: number): Promise<boolean> {
    this.send(signal);
    if (await this.#isGoneWithin(grace)) return true;
    this.send("SIGKILL");
    return this.#isGoneWithin(killMs);
  }

  async #isGoneWithin(ms: number): Promise<boolean> {
    const endsAt = now() + ms;
    while (this.isAlive()) {
      if (now() >= endsAt) return false;
      await pause(pollMs, unstoppable);
    }
    return true;
  }
}

/** The grace of a command is bounded, and not to be cut short by what has just ended it. */
const unstoppable = new AbortController().signal;

interface Process {
  readonly state: string;
  readonly group: number;
}

/** All processes that can be seen, from their `stat` files (proc_pid_stat(5)). */
function processes(): Process[] {
  return readdirSync("/proc")
    .filter((name) => /^[0-9]+$/.test(name))
    .flatMap((id) => readProcess(id) ?? []);
}

function readProcess(id: string): Process | undefined {
  try {
    const stat = readFileSync(`/proc/${id}/stat`, "latin1");
    const [state, , group] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return { state: state!, group: Number(group) };
  } catch {
    return undefined;
  }
}
