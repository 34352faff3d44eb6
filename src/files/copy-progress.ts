import { setImmediate } from "node:timers/promises";
import { now } from "../deadline.ts";
import { count, formatBytes } from "../format.ts";
import type { Context } from "../task.ts";

/** For how long other work may have to wait, in milliseconds. */
const sliceMs = 50;

/** What a copy has come to, told now and then. */
export class CopyProgress {
  /** Files and links of the sources. */
  files = 0;
  /** What is in them. */
  bytes = 0;
  /** Of these, what has been written. */
  written = 0;
  readonly #context: Pick<Context, "log" | "signal">;
  #since = now();

  constructor(context: Pick<Context, "log" | "signal">) {
    this.#context = context;
  }

  /**
   * Lets timers and signals have their turn where it is time for that.
   * @throws the signal's reason
   */
  async breathe(): Promise<void> {
    if (now() - this.#since < sliceMs) return;
    const { log, signal } = this.#context;
    log.progress(`${count(this.files, "file")} looked at, ${formatBytes(this.written)} copied`);
    await setImmediate();
    signal.throwIfAborted();
    this.#since = now();
  }
}
