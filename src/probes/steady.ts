import { now, pause } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { formatMs } from "../format.ts";

/** What it takes to believe what is seen: so many times in a row, and for so many milliseconds. */
export interface Steadiness {
  readonly successes: number;
  readonly stableFor: number;
}

/** One look at a target. It throws a Failure where the target is not ready. */
export type Probe = (signal: AbortSignal) => Promise<void>;

export interface Looking {
  /** Repeats a look until it succeeds. */
  retry(look: Probe): Promise<void>;
  /** Milliseconds until the step's time is over. */
  timeLeft(): number;
  readonly signal: AbortSignal;
}

/** Looks until what is seen has been seen often and long enough without a failure in between. */
export async function untilSteady(probe: Probe, wanted: Steadiness, looking: Looking): Promise<void> {
  const streak = new Streak(wanted);
  const look = async (signal: AbortSignal) => {
    try {
      await probe(signal);
      streak.extend();
    } catch (error) {
      const cutOff = signal.aborted && looking.timeLeft() < timerSlackMs;
      throw streak.end(cutOff) ?? error;
    }
  };
  for (;;) {
    await looking.retry(look);
    const gap = streak.untilNext();
    if (gap === undefined) return;
    if (gap > looking.timeLeft()) throw streak.end(true)!;
    await pause(gap, looking.signal);
  }
}

/** Timers keep time to a few milliseconds. */
const timerSlackMs = 10;

const gapMs = 250;

class Streak {
  readonly #wanted: Steadiness;
  #length = 0;
  #since = 0;

  constructor(wanted: Steadiness) {
    this.#wanted = wanted;
  }

  get #lasted(): number {
    return now() - this.#since;
  }

  extend(): void {
    if (this.#length++ === 0) this.#since = now();
  }

  /** The pause before the next look; undefined when there need not be one. */
  untilNext(): number | undefined {
    const { successes, stableFor } = this.#wanted;
    if (this.#length < successes) return gapMs;
    const left = stableFor - this.#lasted;
    return left > 0 ? Math.min(gapMs, left) : undefined;
  }

  /** @param timeIsOver it was only the end of the step's time that ended it: then that is what to tell */
  end(timeIsOver: boolean): Failure | undefined {
    const failure = timeIsOver && this.#length > 0 ? this.#tooShort() : undefined;
    this.#length = 0;
    return failure;
  }

  #tooShort(): Failure {
    const { successes, stableFor } = this.#wanted;
    const seen =
      this.#length < successes
        ? `${this.#length} of ${successes} times in a row`
        : `for ${formatMs(this.#lasted)} of ${formatMs(stableFor)}`;
    return new Failure("not-ready", `it was so only ${seen} when the time was over`, {
      kind: "unsteady",
      hint: "raise timeout, or lower successes or stable-for",
    });
  }
}
