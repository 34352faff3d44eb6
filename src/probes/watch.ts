import { now } from "../deadline.ts";
import { Failure, type ToldFailure, told } from "../failure.ts";
import type { Context } from "../task.ts";
import { type Probe, type Steadiness, untilSteady } from "./steady.ts";

export interface Watched {
  /** The target, for messages. */
  readonly name: string;
  readonly probe: Probe;
  readonly steadiness: Steadiness;
}

/** What became of a target. */
export interface Sighting {
  readonly name: string;
  readonly ready: boolean;
  readonly attempts: number;
  readonly durationMs: number;
  /** Why it is not ready, in the words of the last attempt where there was one. */
  readonly cause?: Failure;
  /** What the watch ended with: a Failure, or a defect. */
  readonly ended?: unknown;
}

/**
 * Looks at a target until it is ready, or the step's time or retries are over. Never throws.
 * @param label of the target in logs
 * @param within ends the watch earlier than the step does
 */
export async function watch(
  { name, probe, steadiness }: Watched,
  context: Context,
  label: string | undefined,
  within: AbortSignal,
): Promise<Sighting> {
  const startedAt = now();
  const tally = new Tally(within);
  const looking = {
    signal: within,
    timeLeft: () => context.policy.endsAt - now(),
    retry: (look: Probe) => context.retry(tally.counting(look), label, within),
  };
  const ended = await endOf(untilSteady(probe, steadiness, looking));
  const seen = { name, attempts: tally.attempts, durationMs: Math.round(now() - startedAt) };
  if (ended.ready) return { ...seen, ready: true };
  return { ...seen, ready: false, ended: ended.error, cause: tally.causeOf(ended.error) };
}

async function endOf(watching: Promise<void>): Promise<{ ready: true } | { ready: false; error: unknown }> {
  try {
    await watching;
    return { ready: true };
  } catch (error) {
    return { ready: false, error };
  }
}

/** Counts the attempts and remembers the last failure. */
class Tally {
  readonly #within: AbortSignal;
  #last: Failure | undefined;
  attempts = 0;

  constructor(within: AbortSignal) {
    this.#within = within;
  }

  counting(look: Probe): Probe {
    return async (signal) => {
      this.attempts++;
      try {
        await look(signal);
      } catch (error) {
        if (error instanceof Failure && !this.#within.aborted) this.#last = error;
        throw error;
      }
    };
  }

  /** What the retry loop ends with is the last failure too, with the loop's own words added. */
  causeOf(ended: unknown): Failure {
    const end = ended instanceof Failure ? ended : new Failure("internal", String(ended));
    const last = this.#last;
    return last && (this.#within.aborted || last.kind === end.kind) ? last : end;
  }
}

/** The entry of a target in the report. */
export interface ReportedTarget {
  readonly target: string;
  readonly ready: boolean;
  readonly attempts: number;
  readonly durationMs: number;
  readonly error?: ToldFailure;
}

export function reported({ name, ready, attempts, durationMs, cause }: Sighting): ReportedTarget {
  return { target: name, ready, attempts, durationMs, ...(cause && { error: told(cause) }) };
}
