import { now, pause } from "../deadline.ts";
import { Failure, type ToldFailure, told } from "../failure.ts";
import { formatMs } from "../format.ts";
import type { Context } from "../task.ts";
import { showsGone } from "./gone.ts";

/** One look at a target. It throws a Failure where the target is not ready. */
export type Probe = (signal: AbortSignal) => Promise<void>;

/** What it takes to believe what is seen: so many times in a row, and for so many milliseconds. */
export interface Steadiness {
  readonly successes: number;
  readonly stableFor: number;
}

export interface Watched {
  /** The target, for messages. */
  readonly name: string;
  readonly probe: Probe;
  readonly absent: boolean;
  readonly steadiness: Steadiness;
}

/** What became of a target. */
export interface Sighting {
  readonly name: string;
  readonly ready: boolean;
  readonly attempts: number;
  readonly durationMs: number;
  /** Why it is not ready: the last attempt's own words. */
  readonly failure?: Failure | undefined;
  /** What the watch ended with: the failure of the retries, or of something else. */
  readonly ended?: unknown;
}

/** Looks at a target until it is ready (or gone), or the step's time or retries are over. Never throws. */
export async function watch(
  watched: Watched,
  context: Context,
  label: string | undefined,
  within: AbortSignal,
): Promise<Sighting> {
  const { name, probe, absent, steadiness } = watched;
  const startedAt = now();
  const look = absent ? lookForAbsence(name, probe) : probe;
  let attempts = 0;
  let failure: Failure | undefined;
  const counted: Probe = async (signal) => {
    attempts++;
    try {
      await look(signal);
    } catch (error) {
      if (error instanceof Failure && !within.aborted) failure = error;
      throw error;
    }
  };
  const sighting = () => ({ name, attempts, durationMs: Math.round(now() - startedAt) });
  try {
    await untilSteady(counted, steadiness, context, label, within);
    return { ...sighting(), ready: true };
  } catch (ended) {
    return { ...sighting(), ready: false, failure, ended };
  }
}

const gapMs = 250;

async function untilSteady(
  probe: Probe,
  { successes, stableFor }: Steadiness,
  context: Context,
  label: string | undefined,
  within: AbortSignal,
): Promise<void> {
  let streak = 0;
  let since = 0;
  const attempt: Probe = async (signal) => {
    await probe(signal).catch((error: unknown) => {
      streak = 0;
      throw error;
    });
  };
  for (;;) {
    await context.retry(attempt, label, within);
    if (streak++ === 0) since = now();
    const left = since + stableFor - now();
    if (streak >= successes && left <= 0) return;
    const gap = streak < successes ? gapMs : Math.min(gapMs, left);
    if (now() + gap > context.policy.endsAt) throw notSteady(streak, now() - since, { successes, stableFor });
    await pause(gap, within);
  }
}

function notSteady(streak: number, lasted: number, { successes, stableFor }: Steadiness): Failure {
  const seen =
    streak < successes
      ? `${streak} of ${successes} times in a row`
      : `for ${formatMs(lasted)} of ${formatMs(stableFor)}`;
  return new Failure("not-ready", `it was so only ${seen} when the time was over`, {
    kind: "unsteady",
    hint: "raise timeout, or lower successes or stable-for",
  });
}

/** @throws Failure unless the target is seen to be gone */
function lookForAbsence(name: string, probe: Probe): Probe {
  let resolved = false;
  return async (signal) => {
    const failure = await failureOf(probe, signal);
    if (failure && showsGone(failure.kind, resolved)) return;
    if (!failure?.kind.startsWith("dns:")) resolved = true;
    if (failure?.permanent) throw failure;
    throw failure ? uncertain(failure) : stillThere(name);
  };
}

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

const uncertain = (failure: Failure): Failure =>
  new Failure("not-ready", `not known to be gone: ${failure.message}`, {
    ...failure.options,
    hint: failure.kind.startsWith("dns:")
      ? `a name that has not resolved before may be misspelt; ${failure.hint ?? ""}`
      : failure.hint,
  });

/** The entry of a target in the report. */
export function reported({ name, ready, attempts, durationMs, failure, ended }: Sighting): {
  target: string;
  ready: boolean;
  attempts: number;
  durationMs: number;
  error?: ToldFailure;
} {
  const error = failure ?? (ended instanceof Failure ? ended : undefined);
  return { target: name, ready, attempts, durationMs, ...(!ready && error && { error: told(error) }) };
}
