import { bookkeepingFailure } from "../postgres/errors.ts";

/** Runs initkit's own statements, and says what they were for where they fail. */
export async function bookkeeping<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw bookkeepingFailure(doing, error);
  }
}
