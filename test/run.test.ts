import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { Failure } from "../src/failure.ts";
import { pause } from "../src/deadline.ts";
import { done, unchanged } from "../src/task.ts";
import { running, step } from "./helpers/plan-of.ts";
import { inVirtualTime } from "./helpers/virtual-time.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-run-"));
after(() => rmSync(folder, { recursive: true }));

const refuse = async (): Promise<never> => {
  throw new Failure("refused", "no", { hint: "ask" });
};
const statuses = ({ steps }: { steps: readonly { status: string }[] }): string[] =>
  steps.map(({ status }) => status);
const kinds = ({ events }: { events: readonly { event: string }[] }): string[] =>
  events.map(({ event }) => event);

test("steps run one after the other, in order", async () => {
  const order: number[] = [];
  const each = (number: number) =>
    step(
      async () => (
        order.push(number),
        await pause(1, new AbortController().signal),
        order.push(number),
        done()
      ),
    );
  await running([each(1), each(2), each(3)]);
  assert.deepEqual(order, [1, 1, 2, 2, 3, 3]);
});

test("every step says how it ended", async () => {
  const ran = await running([
    step(),
    step(async () => unchanged("all there")),
    step(undefined, { when: "no" }),
  ]);
  assert.deepEqual(statuses(ran), ["done", "unchanged", "skipped"]);
  assert.deepEqual(kinds(ran), [
    "run.start",
    "step.start",
    "step.done",
    "step.start",
    "step.unchanged",
    "step.skipped",
  ]);
  assert.equal(ran.failure, undefined);
});

test("a failure ends the run, and the steps behind it are not reached", async () => {
  const ran = await running([step(), step(refuse), step(), step()]);
  assert.deepEqual(statuses(ran), ["done", "failed", "not-reached", "not-reached"]);
  assert.equal(ran.failedStep, 2);
  assert.equal(ran.failure!.code, "refused");
});

test("an optional step's failure is told, and the run goes on", async () => {
  const ran = await running([step(refuse, { optional: true }), step()]);
  assert.deepEqual(statuses(ran), ["failed", "done"]);
  assert.equal(ran.steps[0]!.optional, true);
  assert.equal(ran.failure, undefined);
  assert.equal(ran.events.find(({ event }) => event === "step.failed")!.level, "warn");
});

test("a step that ended well is not optional in the report", async () => {
  const ran = await running([step(undefined, { optional: true })]);
  assert.equal(ran.steps[0]!.optional, undefined);
});

test("when skips a step where it is empty, false, no, off or 0, and only there", async () => {
  for (const when of ["", "false", "no", "off", "0", "False", "NO"])
    assert.deepEqual(statuses(await running([step(refuse, { when })])), ["skipped"], when);
  for (const when of ["true", "yes", "1", "on", "00", "none", "null", "production"])
    assert.deepEqual(statuses(await running([step(undefined, { when })])), ["done"], when);
});

const there = join(folder, "file");
const full = join(folder, "full");
const empty = join(folder, "empty");
writeFileSync(there, "");
mkdirSync(full);
writeFileSync(join(full, "x"), "");
mkdirSync(empty);
symlinkSync(empty, join(folder, "link"));
symlinkSync(join(folder, "gone"), join(folder, "dangling"));

test("if-exists skips a step unless the path is there", async () => {
  for (const [path, status] of [
    [there, "done"],
    [full, "done"],
    [empty, "done"],
    [join(folder, "nothing"), "skipped"],
    [join(folder, "dangling"), "skipped"],
    [join(there, "below"), "skipped"],
  ] as const)
    assert.deepEqual(statuses(await running([step(undefined, { "if-exists": path })])), [status], path);
});

test("if-missing skips a step unless the path is not there, or is an empty folder", async () => {
  for (const [path, status] of [
    [there, "skipped"],
    [full, "skipped"],
    [empty, "done"],
    [join(folder, "link"), "done"],
    [join(folder, "nothing"), "done"],
    [join(folder, "dangling"), "done"],
    [join(there, "below"), "done"],
  ] as const)
    assert.deepEqual(statuses(await running([step(undefined, { "if-missing": path })])), [status], path);
});

test("a guard is looked at when its step's turn comes, not before", async () => {
  const path = join(folder, "later");
  const make = step(async () => (writeFileSync(path, ""), done()));
  assert.deepEqual(statuses(await running([make, step(undefined, { "if-exists": path })])), ["done", "done"]);
});

test("a path that cannot be looked at fails the step with 24, and not the program", async () => {
  const ran = await running([step(undefined, { "if-exists": `/${"x".repeat(5000)}` })]);
  assert.equal(ran.failure!.exitCode, 24);
});

test("the timeout of the run ends the step that runs, with 124, even if it is optional", async () => {
  const sleep = step(async ({ signal }) => (await pause(60_000, signal), done()), { optional: true });
  const ran = await inVirtualTime(() => running([step(), sleep, step()], { timeout: 5000 }));
  assert.equal(ran.failure!.exitCode, 124);
  assert.deepEqual(statuses(ran), ["done", "failed", "not-reached"]);
  assert.ok(ran.durationMs >= 4999 && ran.durationMs <= 5001);
});

test("the timeout of the run ends pauses between attempts too", async () => {
  const failing = async () => {
    throw new Failure("not-ready", "no");
  };
  const ran = await inVirtualTime(() =>
    running([step(failing, {}, { backoff: { first: 100_000 } })], { timeout: 5000 }),
  );
  assert.equal(ran.failure!.exitCode, 124);
  assert.ok(ran.durationMs <= 5001);
});

test("the timeout of a step ends it with the code of its task", async () => {
  const sleep = step(
    async ({ signal }) => (await pause(60_000, signal), done()),
    {},
    { timeout: 3000, retries: 0 },
  );
  const ran = await inVirtualTime(() => running([sleep], { timeout: 5000 }));
  assert.equal(ran.failure!.exitCode, 10);
});

test("a run that was ended before it began runs nothing", async () => {
  const controller = new AbortController();
  controller.abort(new Failure("signal", "ended by SIGTERM", { signal: 15 }));
  const ran = await running([step(() => assert.fail()), step()], { signal: controller.signal });
  assert.deepEqual(statuses(ran), ["failed", "not-reached"]);
  assert.equal(ran.failure!.exitCode, 143);
});

test("an error that is no Failure is told as a defect, with its trace, and the run ends", async () => {
  const ran = await running([step(() => Promise.reject(new TypeError("oops"))), step()]);
  assert.equal(ran.failure!.exitCode, 1);
  assert.match(ran.failure!.hint!, /TypeError: oops\n\s+at /);
  assert.deepEqual(statuses(ran), ["failed", "not-reached"]);
});

test("a task that throws at once, or something that is no error, does not break the runner", async () => {
  for (const thrown of [new Error("x"), "text", undefined, null, 42]) {
    const ran = await running([
      step(() => {
        throw thrown;
      }),
    ]);
    assert.equal(ran.failure!.exitCode, 1);
  }
});

test("attempts are counted", async () => {
  let attempts = 0;
  const third = step(async () => {
    if (++attempts < 3) throw new Failure("not-ready", "no");
    return done("ready", { extra: 1 });
  });
  const ran = await inVirtualTime(() => running([third]));
  assert.equal(ran.steps[0]!.attempts, 3);
  assert.deepEqual(ran.steps[0]!.report, { extra: 1 });
});

test("what a failure reports stands in the step's entry", async () => {
  const failing = async (): Promise<never> => {
    throw new Failure("refused", "no", { report: { targets: [1] } });
  };
  assert.deepEqual((await running([step(failing)])).steps[0]!.report, { targets: [1] });
});
