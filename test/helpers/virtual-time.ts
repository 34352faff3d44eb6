interface Timer {
  readonly due: number;
  readonly every?: number;
  readonly fire: () => void;
}

const real = { setTimeout, clearTimeout, setInterval, clearInterval, hrtime: process.hrtime };

/**
 * Runs an action on a clock of its own, on which nothing but timers takes time: as soon as nothing else is
 * left to do, the clock jumps to the next timer. Timers come up to a millisecond early, as Node's own do.
 */
export async function inVirtualTime<T>(action: (elapsed: () => number) => Promise<T>): Promise<T> {
  const timers = new Map<object, Timer>();
  let time = 1000.7;
  const add = (fire: () => void, ms: number, every?: number): object => {
    const due = Math.floor(time) + Math.max(Math.trunc(ms) || 1, 1);
    const handle = { unref: () => handle, ref: () => handle };
    timers.set(handle, { due: Math.max(due, time), fire, ...(every !== undefined && { every }) });
    return handle;
  };
  const remove = (handle: object): void => void timers.delete(handle);
  Object.assign(globalThis, {
    setTimeout: (fire: () => void, ms = 1) => add(fire, ms),
    setInterval: (fire: () => void, ms = 1) => add(fire, ms, ms),
    clearTimeout: remove,
    clearInterval: remove,
  });
  const clock = (): [number, number] => [0, time * 1e6];
  process.hrtime = Object.assign(clock, { bigint: () => BigInt(Math.round(time * 1e6)) });
  const startedAt = time;
  try {
    let settled = false;
    const running = action(() => time - startedAt).finally(() => (settled = true));
    running.catch(() => {});
    for (;;) {
      await nothingLeftToDo();
      if (settled) return await running;
      const [next] = [...timers].sort(([, a], [, b]) => a.due - b.due);
      if (!next) throw new Error("nothing is left that could end this");
      const [handle, { due, every, fire }] = next;
      time = Math.max(time, due);
      if (every === undefined) timers.delete(handle);
      else timers.set(handle, { due: time + every, every, fire });
      fire();
    }
  } finally {
    const { hrtime, ...functions } = real;
    Object.assign(globalThis, functions);
    process.hrtime = hrtime;
  }
}

async function nothingLeftToDo(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}
