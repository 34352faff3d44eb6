import assert from "node:assert/strict";
import { test } from "node:test";
import { deadline, now, pause } from "../src/deadline.ts";
import { Failure } from "../src/failure.ts";
import { inVirtualTime } from "./helpers/virtual-time.ts";

const expired = (name: string) => (): Failure => new Failure("not-ready", name);
const never = (): AbortSignal => new AbortController().signal;
const day = 86_400_000;

test("a deadline aborts with its own reason, at its time", async () => {
  await inVirtualTime(async (elapsed) => {
    using bound = deadline(never(), 5000, expired("inner"));
    await assert.rejects(pause(10_000, bound.signal), { message: "inner" });
    assert.ok(elapsed() >= 4999 && elapsed() <= 5001);
  });
});

test("of nested deadlines the first one gives the reason", async () => {
  for (const [outerMs, innerMs, first] of [
    [1000, 5000, "outer"],
    [5000, 1000, "inner"],
  ] as const) {
    await inVirtualTime(async () => {
      using outer = deadline(never(), outerMs, expired("outer"));
      using inner = deadline(outer.signal, innerMs, expired("inner"));
      await assert.rejects(pause(10_000, inner.signal), { message: first });
    });
  }
});

test("a deadline below a signal that has aborted has aborted too, with that reason", () => {
  const reason = new Failure("signal", "ended");
  using bound = deadline(AbortSignal.abort(reason), 5000, expired("inner"));
  assert.equal(bound.signal.reason, reason);
});

test("a deadline that was left aborts no more", async () => {
  await inVirtualTime(async () => {
    const controller = new AbortController();
    let signal: AbortSignal;
    {
      using bound = deadline(controller.signal, 1000, expired("inner"));
      ({ signal } = bound);
    }
    await pause(5000, never());
    controller.abort();
    assert.equal(signal.aborted, false);
  });
});

test("no limit is no limit", async () => {
  await inVirtualTime(async () => {
    using bound = deadline(never(), Infinity, expired("inner"));
    await pause(20 * day, never());
    assert.equal(bound.signal.aborted, false);
  });
});

test("a pause that is ended leaves no timer, and one that is over no listener", async () => {
  const controller = new AbortController();
  const waiting = pause(60_000, controller.signal);
  controller.abort(new Failure("signal", "ended"));
  await assert.rejects(waiting, { message: "ended" });
  await assert.rejects(pause(60_000, controller.signal), { message: "ended" });
  await pause(1, never());
});

test("a time longer than a timer of Node can wait is kept all the same", async () => {
  await inVirtualTime(async () => {
    const startedAt = now();
    await pause(40 * day, never());
    assert.ok(now() - startedAt >= 40 * day - 1);
    using bound = deadline(never(), 30 * day, expired("inner"));
    await assert.rejects(pause(40 * day, bound.signal), { message: "inner" });
  });
});

test("a time that is over already is no reason for a warning of Node", async () => {
  const warnings: Error[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  process.on("warning", listen);
  using bound = deadline(never(), -0.5, expired("inner"));
  await pause(-0.5, never());
  await new Promise((resolve) => setTimeout(resolve, 20));
  process.off("warning", listen);
  assert.equal(bound.signal.aborted, true);
  assert.deepEqual(warnings, []);
});
