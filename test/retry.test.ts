import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { now } from "../src/deadline.ts";
import { asFailure, Failure, type FailureOptions } from "../src/failure.ts";
import { backoff } from "../src/kinds.ts";
import { type Attempt, backoffPauses, retry, type RetryPolicy } from "../src/retry.ts";
import { inVirtualTime } from "./helpers/virtual-time.ts";

interface Told {
  readonly failure?: Failure;
  readonly value?: unknown;
  /** When each attempt began, in milliseconds from the start. */
  readonly starts: readonly number[];
  readonly ended: number;
  /** The failures that another attempt followed. */
  readonly observed: readonly Failure[];
}

type Policy = Partial<Omit<RetryPolicy, "endsAt" | "backoff">> & { backoff?: string; signal?: AbortSignal };

/** Runs the retry loop in virtual time. */
function retrying(options: Policy, attempt: Attempt<unknown>): Promise<Told> {
  return inVirtualTime(async (elapsed) => {
    const { backoff: pauses = "1s", signal = new AbortController().signal, timeout = Infinity } = options;
    const policy: RetryPolicy = {
      timeout,
      endsAt: now() + timeout,
      attemptTimeout: options.attemptTimeout ?? Infinity,
      retries: options.retries ?? Infinity,
      backoff: backoff.parse(pauses),
      timeoutCode: options.timeoutCode ?? "not-ready",
    };
    const starts: number[] = [];
    const observed: Failure[] = [];
    const counted: Attempt<unknown> = (inner, number) => {
      starts.push(elapsed());
      return attempt(inner, number);
    };
    try {
      const value = await retry(policy, signal, counted, {
        attemptFailed: (each) => void observed.push(each),
      });
      return { value, starts, observed, ended: elapsed() };
    } catch (error) {
      return { failure: asFailure(error), starts, observed, ended: elapsed() };
    }
  });
}

const failing =
  (options: FailureOptions = {}): Attempt<never> =>
  async () => {
    throw new Failure("source-unavailable", "no", options);
  };

/** An attempt that takes its time, and ends at once with its signal. */
const hanging: Attempt<never> = (signal) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error)));

const gaps = ({ starts }: Told): number[] => starts.slice(1).map((start, index) => start - starts[index]!);

test("an attempt that succeeds is the only one", async () => {
  const told = await retrying({}, async () => "well");
  assert.equal(told.value, "well");
  assert.deepEqual(told.starts.length, 1);
});

for (const retries of [0, 1, 5]) {
  test(`retries ${retries} means ${retries} further attempts and no more`, async () => {
    const told = await retrying({ retries }, failing());
    assert.equal(told.starts.length, retries + 1);
    assert.equal(told.observed.length, retries);
    assert.equal(told.failure!.code, "source-unavailable");
  });
}

test("unlimited retries end only with the timeout", async () => {
  const told = await retrying({ timeout: 3_600_000, backoff: "1s" }, failing());
  assert.ok(told.starts.length > 3200 && told.starts.length < 4100, `${told.starts.length} attempts`);
  assert.equal(told.failure!.code, "source-unavailable");
});

test("a permanent failure is never retried", async () => {
  for (const options of [{ permanent: true }, { permanent: true, progressed: true, retryAfter: 5 }]) {
    const told = await retrying({ retries: 5 }, failing(options));
    assert.equal(told.starts.length, 1);
  }
});

test("every code of 2x is permanent and every code of 1x is not", async () => {
  for (const [code, attempts] of [
    ["refused", 1],
    ["integrity", 1],
    ["sql", 1],
    ["history", 1],
    ["access", 1],
    ["not-ready", 2],
    ["source-unavailable", 2],
    ["database-unavailable", 2],
    ["command-timeout", 2],
    ["io", 2],
    ["command-failed", 1],
    ["internal", 1],
    ["configuration", 1],
  ] as const) {
    const told = await retrying({ retries: 1 }, async () => {
      throw new Failure(code, "no");
    });
    assert.equal(told.starts.length, attempts, code);
  }
});

test("an error that is no Failure is a defect, and not retried", async () => {
  const told = await retrying({ retries: 5 }, async () => {
    throw new TypeError("oops");
  });
  assert.equal(told.failure!.code, "internal");
  assert.equal(told.starts.length, 1);
});

test("progress gives the retries back", async () => {
  let attempts = 0;
  const told = await retrying({ retries: 2 }, async () => {
    attempts++;
    throw new Failure("source-unavailable", "no", { progressed: attempts % 2 === 0 && attempts < 20 });
  });
  assert.equal(told.starts.length, 20);
});

test("growing pauses stay between nothing and a bound that doubles from FIRST to MAX", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 100 }), (first, factor) => {
      const pauses = backoffPauses({ first, max: first * factor });
      for (let number = 0; number < 12; number++) {
        const pause = pauses.next();
        assert.ok(pause >= 0 && pause <= Math.min(first * 2 ** number, first * factor));
      }
    }),
  );
});

test("full jitter uses the whole range between nothing and the bound", () => {
  const samples = Array.from({ length: 4000 }, () => backoffPauses({ first: 100, max: 1000 }).next());
  const [mean, least, most] = [
    samples.reduce((sum, each) => sum + each) / samples.length,
    Math.min(...samples),
    Math.max(...samples),
  ];
  assert.ok(mean > 45 && mean < 55, `mean ${mean}`);
  assert.ok(least < 5 && most > 95, `from ${least} to ${most}`);
});

test("growing pauses do reach MAX", () => {
  const pauses = Array.from({ length: 200 }, () => {
    const each = backoffPauses({ first: 100, max: 1000 });
    for (let number = 0; number < 4; number++) each.next();
    return each.next();
  });
  assert.ok(Math.max(...pauses) > 900);
});

test("a fixed pause varies by ten per cent and never grows", () => {
  const pauses = backoffPauses({ first: 1000 });
  const samples = Array.from({ length: 2000 }, () => pauses.next());
  assert.ok(Math.min(...samples) >= 900 && Math.max(...samples) <= 1100);
  assert.ok(Math.min(...samples) < 920 && Math.max(...samples) > 1080);
});

test("a new kind of failure sets the pause back to its first value", async (t) => {
  t.mock.method(Math, "random", () => 1 - Number.EPSILON);
  const kinds = ["dns", "dns", "dns", "connect", "connect", "dns"];
  const told = await retrying({ retries: kinds.length - 1, backoff: "100ms..10s" }, async (_, number) => {
    throw new Failure("not-ready", "no", { kind: kinds[number - 1]! });
  });
  assert.deepEqual(
    gaps(told).map((gap) => Math.round(gap / 100)),
    [1, 2, 4, 1, 2],
  );
});

test("progress sets the pause back to its first value", async (t) => {
  t.mock.method(Math, "random", () => 1 - Number.EPSILON);
  const told = await retrying({ retries: 4, backoff: "100ms..10s" }, async (_, number) => {
    throw new Failure("source-unavailable", "no", { progressed: number === 3 });
  });
  assert.deepEqual(
    gaps(told)
      .map((gap) => Math.round(gap / 100))
      .slice(0, 4),
    [1, 2, 1, 2],
  );
});

test("Retry-After is honoured where it is longer than the pause, and only there", async () => {
  const told = await retrying({ retries: 1, backoff: "1s" }, failing({ retryAfter: 30_000 }));
  assert.ok(gaps(told)[0]! >= 29_999);
  const shorter = await retrying({ retries: 1, backoff: "1s" }, failing({ retryAfter: 10 }));
  assert.ok(gaps(shorter)[0]! >= 899);
});

test("Retry-After never reaches past the deadline: the last attempt is made at it", async () => {
  const told = await retrying({ timeout: 5000 }, failing({ retryAfter: 86_400_000 }));
  assert.ok(Math.abs(told.starts.at(-1)! - 5000) < 2);
  assert.ok(told.ended < 5002);
});

test("a pause never reaches past the deadline: the last attempt is made at it", async () => {
  const told = await retrying({ timeout: 10_000, backoff: "7s" }, failing());
  assert.ok(Math.abs(told.starts.at(-1)! - 10_000) < 2, `last attempt at ${told.starts.at(-1)}`);
});

test("the last attempt at the deadline takes at most a second", async () => {
  const told = await retrying({ timeout: 10_000, backoff: "20s" }, (signal, number) =>
    number === 1 ? failing()(signal, number) : hanging(signal, number),
  );
  assert.equal(told.starts.length, 2);
  assert.ok(told.ended >= 10_990 && told.ended <= 11_002, `ended after ${told.ended}`);
  assert.equal(
    told.failure!.code,
    "source-unavailable",
    "what went wrong before says more than the time-out",
  );
});

test("the last attempt at the deadline can succeed", async () => {
  const told = await retrying({ timeout: 10_000, backoff: "20s" }, (signal, number) =>
    number === 1 ? failing()(signal, number) : Promise.resolve("well"),
  );
  assert.equal(told.value, "well");
});

test("an attempt-timeout shorter than a second bounds the last attempt too", async () => {
  const told = await retrying({ timeout: 10_000, attemptTimeout: 200, backoff: "20s" }, hanging);
  assert.ok(told.ended <= 10_202, `ended after ${told.ended}`);
});

test("whatever fails, a step ends within a second of its timeout", async () => {
  const arbitrary = fc.record({
    timeout: fc.integer({ min: 1, max: 20_000 }),
    attemptTimeout: fc.option(fc.integer({ min: 1, max: 5000 }), { nil: Infinity }),
    first: fc.integer({ min: 1, max: 3000 }),
    hangs: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  });
  await fc.assert(
    fc.asyncProperty(arbitrary, async ({ timeout, attemptTimeout, first, hangs }) => {
      const attempt: Attempt<never> = (signal, number) =>
        hangs[number % hangs.length] ? hanging(signal, number) : failing()(signal, number);
      const told = await retrying(
        { timeout, attemptTimeout, backoff: `${first}ms..${first * 8}ms` },
        attempt,
      );
      assert.ok(told.ended <= timeout + 1002, `${told.ended} for a timeout of ${timeout}`);
      assert.equal(told.failure!.exitCode, told.failure!.code === "not-ready" ? 10 : 11);
    }),
    { numRuns: 60 },
  );
});

test("an attempt that the deadline cut off is not followed by another one", async () => {
  const told = await retrying({ timeout: 5000.5, retries: 3, backoff: "1s" }, hanging);
  assert.equal(told.starts.length, 1);
  assert.ok(told.ended < 5002, `ended after ${told.ended}`);
});

test("an attempt ends with its attempt-timeout, and the next one follows", async () => {
  const told = await retrying({ timeout: 60_000, attemptTimeout: 5000, retries: 2, backoff: "1s" }, hanging);
  assert.equal(told.starts.length, 3);
  for (const gap of gaps(told)) assert.ok(gap >= 5898 && gap <= 6102, `gap ${gap}`);
  assert.equal(told.failure!.code, "not-ready");
  assert.match(told.failure!.hint!, /attempt-timeout 5s/);
});

test("a failure by the step's own time says so, and not that an attempt was too long", async () => {
  const told = await retrying({ timeout: 3000, attemptTimeout: 5000, retries: 0 }, hanging);
  assert.doesNotMatch(told.failure!.hint!, /attempt-timeout/);
});

test("without a limit an attempt may take for ever", async () => {
  const day = 86_400_000;
  const told = await retrying({}, () => new Promise((resolve) => setTimeout(() => resolve("well"), day)));
  assert.equal(told.value, "well");
});

test("an abort during an attempt ends it at once, with the reason and nothing else", async () => {
  const controller = new AbortController();
  const reason = new Failure("signal", "ended", { signal: 15 });
  const told = await retrying({ signal: controller.signal, retries: 5 }, (signal, number) => {
    setTimeout(() => controller.abort(reason), 1500);
    return hanging(signal, number);
  });
  assert.equal(told.failure, reason);
  assert.equal(told.starts.length, 1);
  assert.ok(told.ended <= 1500);
});

test("an abort during a pause ends it at once, with the reason", async () => {
  const controller = new AbortController();
  const reason = new Failure("signal", "ended", { signal: 15 });
  const told = await retrying({ signal: controller.signal, backoff: "1h" }, (signal, number) => {
    setTimeout(() => controller.abort(reason), 1500);
    return failing()(signal, number);
  });
  assert.equal(told.failure, reason);
  assert.equal(told.starts.length, 1);
  assert.ok(told.ended <= 1500);
});

test("an attempt that fails in its own way on an abort does not hide the reason", async () => {
  const controller = new AbortController();
  const reason = new Failure("run-timeout", "ended");
  const told = await retrying({ signal: controller.signal }, async (signal) => {
    controller.abort(reason);
    assert.ok(signal.aborted);
    throw new Failure("refused", "socket closed");
  });
  assert.equal(told.failure, reason);
});

test("the failure after a time-out tells how often and how long it was tried", async () => {
  const told = await retrying({ timeout: 10_000, backoff: "3s" }, failing());
  assert.match(told.failure!.message, /^no .*10s.*\d attempts/);
});
