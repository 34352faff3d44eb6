import { Script } from "node:vm";

const globalName = "initkitBegin";
/** The longest time that V8 is asked to watch, in milliseconds. */
const longestWatch = 2 ** 31 - 1;

/**
 * Begins a script, and answers what it answers. Up to its first `await` nothing else gets its turn, not even the timer
 * that would end it, so V8 ends it where it never gives way. Then the answer never comes.
 * @param ms after which that timer is due; `Infinity` for never
 */
export function beginScript(program: () => Promise<void>, ms: number): Promise<void> {
  // V8 watches the text of a script, and no function that is handed in.
  Object.defineProperty(globalThis, globalName, { value: program, configurable: true });
  const watch = ms === Infinity ? {} : { timeout: Math.min(Math.max(Math.ceil(ms), 1), longestWatch) };
  try {
    return new Script(`${globalName}()`).runInThisContext(watch) as Promise<void>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ERR_SCRIPT_EXECUTION_TIMEOUT") throw error;
    return new Promise(() => {});
  } finally {
    Reflect.deleteProperty(globalThis, globalName);
  }
}
