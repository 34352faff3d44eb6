import { Failure } from "../failure.ts";
import { showsGone } from "./gone.ts";
import type { Probe } from "./steady.ts";

/**
 * Turns a probe round: it succeeds where the target is seen to be gone.
 * @param name of the target, for messages
 */
export function absence(name: string, probe: Probe): Probe {
  let resolved = false;
  return async (signal) => {
    const failure = await failureOf(probe, signal);
    if (failure && showsGone(failure.kind, resolved)) return;
    if (!failure || showsResolved(failure)) resolved = true;
    if (failure?.permanent) throw failure;
    throw failure ? uncertain(failure) : stillThere(name);
  };
}

/** A failure of no finer kind than its code may have come at any time, also before the name was looked up. */
const showsResolved = ({ kind, code }: Failure): boolean => kind !== code && !kind.startsWith("dns:");

async function failureOf(probe: Probe, signal: AbortSignal): Promise<Failure | undefined> {
  try {
    await probe(signal);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

const stillThere = (name: string): Failure =>
  new Failure("not-ready", `${name} is still there`, {
    kind: "present",
    hint: "look at why what was to go away has not: kubectl get pods, and finalizers",
  });

const uncertain = ({ message, kind, hint, options }: Failure): Failure =>
  new Failure("not-ready", `not known to be gone: ${message}`, {
    ...options,
    hint: kind.startsWith("dns:")
      ? `a name that has not resolved before may be misspelt; ${hint ?? ""}`
      : hint,
  });
