import { setImmediate } from "node:timers/promises";

export interface Slicing {
  readonly signal: AbortSignal;
  /** Called between two slices. */
  readonly between: () => void;
}

/** Files between two looks at the signal: some milliseconds of system calls. */
const sliceSize = 256;

/**
 * Calls `use` for each item, and lets timers and signals have their turn now and then: system calls on files are far
 * quicker one after the other than as promises, but then nothing else happens meanwhile.
 * @throws the signal's reason soon after it aborts, once the iteration is closed
 */
export async function inSlices<T>(
  items: Iterable<T>,
  { signal, between }: Slicing,
  use: (item: T) => void,
): Promise<void> {
  let inSlice = 0;
  for (const item of items) {
    use(item);
    if (++inSlice < sliceSize) continue;
    inSlice = 0;
    between();
    await setImmediate();
    signal.throwIfAborted();
  }
}
