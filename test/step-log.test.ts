import assert from "node:assert/strict";
import { test } from "node:test";
import { pause } from "../src/deadline.ts";
import { Failure } from "../src/failure.ts";
import type { LogEvent } from "../src/log.ts";
import type { Context } from "../src/task.ts";
import { step, running } from "./helpers/plan-of.ts";
import { inVirtualTime } from "./helpers/virtual-time.ts";

interface Line extends LogEvent {
  readonly at: number;
}

const minute = 60_000;

/** What one step writes in ten minutes, in virtual time. */
function linesOf(run: (context: Context) => Promise<never>, backoffMs = 100): Promise<readonly Line[]> {
  return inVirtualTime(async (elapsed) => {
    const lines: Line[] = [];
    const policy = { timeout: 10 * minute, backoff: { first: backoffMs } };
    const onEvent = (event: LogEvent) => void lines.push({ ...event, at: elapsed() });
    await running([step(run, {}, policy)], { onEvent });
    return lines.filter(({ step: number }) => number === 1);
  });
}

function mostInAMinute(lines: readonly Line[]): number {
  return Math.max(
    ...lines.map(({ at }) => lines.filter((line) => line.at >= at && line.at < at + minute).length),
  );
}

function longestSilence(lines: readonly Line[]): number {
  return Math.max(...lines.slice(1).map(({ at }, index) => at - lines[index]!.at));
}

const different = (() => {
  let number = 0;
  return async (): Promise<never> => {
    throw new Failure("not-ready", `failure ${number++}`);
  };
})();

test("a step with thousands of differing failures writes at most 20 lines a minute, and one every 10 s", async () => {
  const lines = await linesOf(different);
  assert.ok(mostInAMinute(lines) <= 20, `${mostInAMinute(lines)} lines`);
  assert.ok(longestSilence(lines) <= 10_000);
  assert.ok(
    lines.some(({ message }) => /left out/.test(message)),
    "it says that lines are left out",
  );
});

test("a step that logs without end writes at most 20 lines a minute", async () => {
  const lines = await linesOf(async ({ log, signal }) => {
    for (;;) {
      for (const level of ["warn", "info"] as const) log[level](`${level} ${Math.random()}`);
      log.progress(String(Math.random()));
      await pause(50, signal);
    }
  });
  assert.ok(mostInAMinute(lines) <= 20, `${mostInAMinute(lines)} lines`);
});

test("identical failures are folded into one line, counted in the progress", async () => {
  const lines = await linesOf(async () => {
    throw new Failure("not-ready", "connection refused");
  }, 1000);
  assert.equal(lines.filter(({ event }) => event === "attempt.failed").length, 1);
  const progress = lines.filter(({ event }) => event === "step.progress");
  assert.match(progress[0]!.message, /\b(8|9|10) failed attempts/);
  assert.match(progress[0]!.message, /: connection refused$/);
});

test("a failure of another kind between identical ones is told", async () => {
  let number = 0;
  const lines = await linesOf(async () => {
    throw new Failure("not-ready", "aaabbbaaa"[number++] ?? "a");
  }, 1000);
  assert.deepEqual(
    lines.filter(({ event }) => event === "attempt.failed").map(({ message }) => message),
    ["a", "b", "a"],
  );
});

test("a step that is quiet says every 10 s that it is alive, and what it does", async () => {
  const lines = await linesOf(async ({ log, signal }) => {
    log.progress("12 MiB of 40 MiB");
    await pause(11 * minute, signal);
    throw new Error("unreachable");
  });
  assert.ok(longestSilence(lines) <= 10_000);
  const progress = lines.filter(({ event }) => event === "step.progress");
  assert.ok(progress.length >= 60);
  for (const { message, durationMs } of progress) {
    assert.match(message, /12 MiB of 40 MiB/);
    assert.ok(durationMs! > 0);
  }
});

test("a step that ended writes nothing more", async () => {
  const events = await inVirtualTime(async () => {
    const later: string[] = [];
    const ran = await running([step()], {});
    await pause(minute, new AbortController().signal);
    return [...ran.events.map(({ event }) => event), ...later];
  });
  assert.deepEqual(events, ["run.start", "step.start", "step.done"]);
});

test("an attempt's failure carries its number and its error, and the last one is told once", async () => {
  let attempts = 0;
  const failing = async () => {
    throw new Failure("not-ready", `failure ${++attempts}`, { hint: "look" });
  };
  const { events } = await inVirtualTime(() => running([step(failing, {}, { retries: 2 })]));
  const failed = events.filter(({ event }) => event === "attempt.failed");
  assert.deepEqual(
    failed.map(({ attempt }) => attempt),
    [1, 2],
  );
  assert.equal(failed[0]!.error!.hint, "look");
  assert.equal(events.filter(({ message }) => message.includes("failure 3")).length, 1);
});

test("debug lines that nobody sees take no room from warnings", async () => {
  const lines = await linesOf(async ({ log, signal }) => {
    for (let number = 0; number < 50; number++) log.debug(`detail ${number}`);
    log.warn("the one thing to know");
    await pause(11 * minute, signal);
    throw new Error("unreachable");
  });
  assert.ok(lines.some(({ message }) => message === "the one thing to know"));
});
