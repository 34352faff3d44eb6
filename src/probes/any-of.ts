import { Failure } from "../failure.ts";
import { showsGone } from "./gone.ts";

/**
 * Succeeds as soon as one of several does, and stops the others then.
 * @throws what the only one failed with, or a Failure that tells of all: `refused` where every one refuses, and of a
 * kind that shows a target gone only where every one does
 */
export async function anyOf(
  start: (signal: AbortSignal) => Promise<void>[],
  signal: AbortSignal,
): Promise<void> {
  const rest = new AbortController();
  try {
    await Promise.any(start(AbortSignal.any([signal, rest.signal])));
  } catch (error) {
    throw noneOf((error as AggregateError).errors);
  } finally {
    rest.abort(new Failure("not-ready", "another server answered first"));
  }
}

function noneOf(errors: readonly unknown[]): unknown {
  const failures = errors.filter((error) => error instanceof Failure);
  if (failures.length < errors.length || failures.length === 1) return errors[0];
  const undecided = failures.filter(({ permanent }) => !permanent);
  const telling = undecided.find(({ kind }) => !showsGone(kind, false)) ?? undecided[0] ?? failures[0]!;
  return new Failure(telling.code, failures.map(({ message }) => message).join("; "), telling.options);
}
