import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** The value of a variable without the line end that a Secret made with `echo` has; an empty one counts as unset. */
export function setting(env: Environment, ...names: readonly string[]): string | undefined {
  return names.map((name) => env[name]?.trim()).find(Boolean);
}

/** What is wrong with a variable or with the file that it names. */
export const wrong = (message: string, hint: string, cause?: unknown): Failure =>
  new Failure("configuration", message, { hint, cause });

/** A file that a variable names cannot be read. */
export const unreadable = (variable: string, file: string, error: unknown): Failure =>
  wrong(
    `${variable}: cannot read ${quote(file)}: ${(error as Error).message.replace(/, .*/s, "")}`,
    "check that it is mounted there, and that runAsUser or fsGroup of the pod may read it",
    error,
  );
