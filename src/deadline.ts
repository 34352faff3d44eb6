import type { Failure } from "./failure.ts";

/** The longest time a timer of Node can wait, in milliseconds. */
const longestTimer = 2 ** 31 - 1;

/** Milliseconds on a clock that no time server moves. `performance.now` would tell them too, but loads all of perf_hooks. */
export function now(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1000 + nanoseconds / 1e6;
}

export interface Deadline extends Disposable {
  /** Aborted with the parent's reason or, at the deadline, with the Failure that `expired` makes. */
  readonly signal: AbortSignal;
}

/**
 * Nests a time limit in a signal; whichever ends first gives the reason.
 * @param ms how long from now; `Infinity` for no limit of its own
 */
export function deadline(parent: AbortSignal, ms: number, expired: () => Failure): Deadline {
  const controller = new AbortController();
  const stop = () => controller.abort(parent.reason);
  if (parent.aborted) stop();
  parent.addEventListener("abort", stop, { once: true });
  const cancel = after(ms, () => controller.abort(expired()));
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      cancel();
      parent.removeEventListener("abort", stop);
    },
  };
}

/** Waits for `ms`, or rejects with the signal's reason as soon as it aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason as Error);
    const stop = () => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = after(ms, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    signal.addEventListener("abort", stop, { once: true });
  });
}

/** Acts once `ms` have passed, however many those are, unless the answered function is called before. */
function after(ms: number, act: () => void): () => void {
  let timer: NodeJS.Timeout;
  const wait = (left: number) => {
    const next = left > longestTimer ? () => wait(left - longestTimer) : act;
    timer = setTimeout(next, Math.min(Math.max(left, 0), longestTimer));
  };
  wait(ms);
  return () => clearTimeout(timer);
}
