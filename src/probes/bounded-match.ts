/** No sensible pattern takes longer on a body that may be read, in milliseconds. */
const limitMs = 1000;

/**
 * Whether a text matches, or "endless" where that is not found out in time: a pattern such as `^(a+)+$` can take longer
 * than the world exists, and while it runs neither a timeout nor a signal is noticed. V8 lets only a script of node:vm
 * be broken off.
 */
export async function boundedMatch(pattern: RegExp, text: string): Promise<boolean | "endless"> {
  const { runInNewContext } = await import("node:vm");
  try {
    return runInNewContext("pattern.test(text)", { pattern, text }, { timeout: limitMs }) as boolean;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ERR_SCRIPT_EXECUTION_TIMEOUT") return "endless";
    throw error;
  }
}
