import { setImmediate } from "node:timers/promises";

/** What a script has begun and what has not come back yet. */
export class Pending {
  readonly #signal: AbortSignal;
  readonly #begun = new Set<Promise<void>>();

  constructor(signal: AbortSignal) {
    this.#signal = signal;
  }

  /**
   * Begins something that ends by itself when the signal aborts. After that nothing comes back any more, so that
   * a script that catches every error and tries again does not go on for ever.
   */
  async begin<T>(start: () => Promise<T>): Promise<T> {
    if (this.#signal.aborted) return new Promise(() => {});
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#begun.add(promise);
    try {
      return await start();
    } finally {
      this.#begun.delete(promise);
      resolve();
    }
  }

  /** Waits until all of it has come back, and until what failed unseen has been noticed. */
  async none(): Promise<void> {
    do {
      await Promise.all(this.#begun);
      await setImmediate();
    } while (this.#begun.size > 0);
  }
}
