import { deadline, now, pause } from "./deadline.ts";
import { asFailure, Failure, type FailureCode, restate } from "./failure.ts";
import type { Backoff } from "./kinds.ts";
import { formatMs } from "./format.ts";

/** How a step retries. All times are in milliseconds, `Infinity` for no limit. */
export interface RetryPolicy {
  /** When the step must have ended, on the clock of `now()`. */
  readonly endsAt: number;
  readonly timeout: number;
  readonly attemptTimeout: number;
  readonly retries: number;
  readonly backoff: Backoff;
  /** What it means when time runs out. */
  readonly timeoutCode: FailureCode;
}

/** One try. It ends soon after its signal aborts. */
export type Attempt<T> = (signal: AbortSignal, number: number) => Promise<T>;

export interface RetryObserver {
  /** An attempt failed, and there will be another one. */
  attemptFailed(failure: Failure, attempt: number): void;
}

/** The attempt that is made at the deadline may take this long. */
const lastAttemptMs = 1000;

/**
 * The only retry loop. Attempts until one succeeds, one fails for good, the retries are used up or the
 * time is over; a pause that would reach past the deadline ends there, and one last attempt is made.
 * @throws the Failure of the last attempt, or the reason of `signal`
 */
export async function retry<T>(
  policy: RetryPolicy,
  signal: AbortSignal,
  attempt: Attempt<T>,
  observer: RetryObserver,
): Promise<T> {
  const pauses = backoffPauses(policy.backoff);
  let used = 0;
  let earlier: Failure | undefined;
  let isLast = false;
  for (let number = 1; ; number++) {
    const limit = attemptLimit(policy, isLast);
    const outcome = await tryOnce(limit, policy, signal, (inner) => attempt(inner, number));
    if (outcome.ok) return outcome.value;
    const { failure, cutOff } = outcome;
    signal.throwIfAborted();
    if (failure.permanent) throw failure;
    const isOver = isLast || (cutOff && limit < policy.attemptTimeout);
    const isShort = cutOff && limit <= lastAttemptMs;
    if (isOver) throw gaveUp(mostTelling(failure, isShort, earlier, policy), policy, number);

    used = failure.progressed ? 1 : used + 1;
    if (used > policy.retries) throw failure;
    observer.attemptFailed(failure, number);
    if (failure.progressed || failure.kind !== earlier?.kind) pauses.reset();
    earlier = failure;
    const wanted = Math.max(pauses.next(), failure.retryAfter ?? 0);
    const left = policy.endsAt - now();
    isLast = wanted >= left;
    await pause(Math.min(wanted, left), signal);
  }
}

function attemptLimit({ attemptTimeout, endsAt }: RetryPolicy, isLast: boolean): number {
  return Math.min(attemptTimeout, isLast ? lastAttemptMs : endsAt - now());
}

type Tried<T> = { ok: true; value: T } | { ok: false; failure: Failure; cutOff: boolean };

async function tryOnce<T>(
  limit: number,
  policy: RetryPolicy,
  signal: AbortSignal,
  attempt: (signal: AbortSignal) => Promise<T>,
): Promise<Tried<T>> {
  using bound = deadline(signal, limit, () => timedOut(limit, policy));
  try {
    return { ok: true, value: await attempt(bound.signal) };
  } catch (error) {
    const cutOff = bound.signal.aborted;
    return {
      ok: false,
      failure: asFailure(cutOff && !(error instanceof Failure) ? bound.signal.reason : error),
      cutOff,
    };
  }
}

function timedOut(limit: number, { timeout, attemptTimeout, timeoutCode }: RetryPolicy): Failure {
  const [option, value] =
    limit === attemptTimeout ? ["attempt-timeout", attemptTimeout] : ["timeout", timeout];
  return new Failure(timeoutCode, `not finished within ${formatMs(limit)}`, {
    hint: `it was cut off by ${option} ${formatMs(value)}; raise it if this takes longer than that when all is well`,
  });
}

/**
 * Where the time ran out in the middle of an attempt, the failure before it may say more than that.
 * @param isShort the attempt was cut off after less time than it may have needed
 */
function mostTelling(
  failure: Failure,
  isShort: boolean,
  earlier: Failure | undefined,
  { timeoutCode }: RetryPolicy,
): Failure {
  if (earlier === undefined || failure.code !== timeoutCode) return failure;
  return isShort || earlier.code !== timeoutCode ? earlier : failure;
}

function gaveUp(failure: Failure, { timeout }: RetryPolicy, attempts: number): Failure {
  if (attempts === 1) return failure;
  return restate(failure, `${failure.message} (gave up after ${formatMs(timeout)} and ${attempts} attempts)`);
}

interface Pauses {
  next(): number;
  reset(): void;
}

/**
 * Growing pauses with full jitter: anything between nothing and a bound that doubles from `first` to `max`.
 * A fixed pause varies by a tenth, so that many pods do not knock at the same moment.
 */
export function backoffPauses({ first, max }: Backoff): Pauses {
  let bound = first;
  return {
    next() {
      if (max === undefined) return first * (0.9 + 0.2 * Math.random());
      const pauseMs = bound * Math.random();
      bound = Math.min(bound * 2, max);
      return pauseMs;
    },
    reset() {
      bound = first;
    },
  };
}
