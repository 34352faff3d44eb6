import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { Failure, failureCodes } from "../src/failure.ts";
import type { LogEvent } from "../src/log.ts";
import { reportRun } from "../src/report.ts";
import type { RunOutcome, StepOutcome } from "../src/run.ts";
import { Secrets } from "../src/secrets.ts";
import { terminationMessage } from "../src/termination.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-report-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (): string => join(folder, `report-${++files}`);

const failure = new Failure("database-unavailable", "no connection", { hint: "look at the pod" });
const outcome = (status: StepOutcome["status"], more: Partial<StepOutcome> = {}): StepOutcome => ({
  task: "sleep",
  name: "sleep 1",
  status,
  attempts: 1,
  durationMs: 5,
  ...more,
});
const failed: RunOutcome = {
  steps: [
    outcome("done", { report: { bytes: 7 } }),
    outcome("failed", { failure, name: "the second" }),
    outcome("not-reached"),
  ],
  durationMs: 10,
  failure,
  failedStep: 2,
};

interface Destinations {
  readonly report?: string;
  readonly "termination-log"?: string;
}

function reporting(run: RunOutcome, globals: Destinations, secrets = new Secrets({})): LogEvent[] {
  const events: LogEvent[] = [];
  const startedAt = new Date("2026-11-22T10:00:00Z");
  reportRun(run, startedAt, {
    globals: { report: undefined, "termination-log": "", ...globals } as Parameters<
      typeof reportRun
    >[2]["globals"],
    secrets,
    emit: (event) => events.push(event) > 0,
  });
  return events;
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));

test("the report of a failure holds what is promised", () => {
  const report = fresh();
  reporting(failed, { report });
  const error = {
    code: "database-unavailable",
    exitCode: 12,
    message: "no connection",
    hint: "look at the pod",
    permanent: false,
  };
  const { version, error: whole, ...rest } = read(report);
  assert.equal(typeof version, "string");
  assert.deepEqual(whole, error);
  const step = { task: "sleep", name: "sleep 1", attempts: 1, durationMs: 5 };
  assert.deepEqual(rest, {
    status: "failed",
    exitCode: 12,
    startedAt: "2026-11-22T10:00:00.000Z",
    durationMs: 10,
    steps: [
      { ...step, status: "done", bytes: 7 },
      { ...step, name: "the second", status: "failed", error },
      { ...step, status: "not-reached" },
    ],
  });
});

test("the last event of a failure says which step failed, why, and what to do", () => {
  const [last, ...others] = reporting(failed, {});
  assert.deepEqual(others, []);
  const { event, step, steps, task, name, error } = last!;
  assert.deepEqual([event, step, steps, task, name], ["run.failed", 2, 3, "sleep", "the second"]);
  assert.equal(error!.hint, "look at the pod");
});

test("a full disk leaves the earlier report as it was, and not half a new one", (t) => {
  const home = fresh();
  mkdirSync(home);
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=8k", "tmpfs", home], { stdio: "ignore" });
  } catch {
    return t.skip("needs the right to mount a tmpfs");
  }
  t.after(() => execFileSync("umount", [home]));
  const report = join(home, "report.json");
  writeFileSync(report, "{}");
  writeFileSync(join(home, "rest"), Buffer.alloc(4096));
  const [last] = reporting(failed, { report });
  assert.match(last!.message, /; warning: cannot write the report .*no space left/);
  assert.deepEqual(read(report), {});
  assert.deepEqual(readdirSync(home), ["report.json", "rest"]);
});

test("the report of a success holds every status, and optional only for a failure that was let pass", () => {
  const report = fresh();
  const steps = [
    outcome("unchanged"),
    outcome("skipped"),
    outcome("failed", { failure, optional: true }),
    outcome("done"),
  ];
  const events = reporting({ steps, durationMs: 1 }, { report });
  const written = read(report);
  assert.deepEqual([written.status, written.exitCode, written.error], ["done", 0, undefined]);
  assert.deepEqual(
    written.steps.map((each: StepOutcome) => [each.status, each.optional]),
    [
      ["unchanged", undefined],
      ["skipped", undefined],
      ["failed", true],
      ["done", undefined],
    ],
  );
  assert.deepEqual(
    events.map(({ event, level }) => [event, level]),
    [["run.done", "info"]],
  );
});

test("a report replaces an earlier one whole, and leaves nothing else behind", () => {
  const home = fresh();
  mkdirSync(home);
  const report = join(home, "report.json");
  writeFileSync(report, "x".repeat(100_000));
  reporting(failed, { report });
  assert.equal(read(report).exitCode, 12);
  assert.deepEqual(readdirSync(home), ["report.json"]);
});

test("a report goes through a symbolic link, which stays", () => {
  const [link, target] = [fresh(), fresh()];
  writeFileSync(target, "");
  symlinkSync(target, link);
  reporting(failed, { report: link });
  assert.ok(lstatSync(link).isSymbolicLink());
  assert.equal(read(target).exitCode, 12);
});

test("a report and a termination message that cannot be written are told in the last line, and nothing else", () => {
  for (const path of [folder, join(folder, "no", "such", "file"), "/proc/version/x", "/dev/full"]) {
    const events = reporting(failed, { report: path, "termination-log": path });
    assert.deepEqual(
      events.map(({ level }) => level),
      ["error"],
      path,
    );
    assert.match(events[0]!.message, new RegExp(`report.*${path}.*termination message.*${path}`));
  }
});

test("a termination message is written on failure only", () => {
  const [success, bad] = [fresh(), fresh()];
  writeFileSync(success, "as it was");
  reporting({ steps: [outcome("done")], durationMs: 1 }, { "termination-log": success });
  assert.equal(readFileSync(success, "utf8"), "as it was");
  writeFileSync(bad, "x".repeat(10_000));
  reporting(failed, { "termination-log": bad });
  const message = readFileSync(bad, "utf8");
  for (const part of [
    "step 2 of 3",
    "the second",
    "no connection",
    "look at the pod",
    "12",
    "database unavailable",
  ])
    assert.ok(message.includes(part), `${part} in ${message}`);
});

test("the termination message of a configuration error names no step", () => {
  const configuration = new Failure("configuration", "argument 1: unknown task", { hint: "initkit help" });
  const message = terminationMessage(
    { steps: [], durationMs: 0, failure: configuration },
    configuration,
    new Secrets({}),
  );
  assert.equal(
    message,
    "argument 1: unknown task\nhint: initkit help\nexit code 2: configuration or usage error; nothing has run\n",
  );
});

test("only where no step has begun does the exit code say that nothing has run", () => {
  const late = new Failure("configuration", "a file of the folder has no version");
  const told = terminationMessage({ ...failed, failure: late }, late, new Secrets({}));
  assert.match(told, /\nexit code 2: configuration or usage error\n$/);
});

test("a termination message is at most 4096 bytes of valid UTF-8, and keeps step, hint and code", () => {
  const text = fc.string({ unit: "grapheme", maxLength: 9000, size: "max" });
  fc.assert(
    fc.property(
      text,
      fc.string({ unit: "grapheme", maxLength: 3000, size: "max" }),
      fc.constantFrom(...failureCodes),
      (message, hint, code) => {
        const long = new Failure(code, message.repeat(3), { hint: `H${hint}` });
        const written = terminationMessage({ ...failed, failure: long }, long, new Secrets({}));
        const bytes = Buffer.from(written);
        assert.ok(bytes.length <= 4096, `${bytes.length} bytes`);
        assert.ok(written.startsWith("step 2 of 3"));
        assert.ok(written.includes("hint: H"));
        assert.match(written, /\nexit code \d+: .+\n$/);
        assert.doesNotThrow(() => new TextDecoder("utf-8", { fatal: true }).decode(bytes));
      },
    ),
    { numRuns: 60 },
  );
});

test("cutting a long message never cuts a secret in halves", () => {
  const secret = "correct-horse-battery-staple";
  for (let offset = 3950; offset < 4096; offset += 3) {
    const long = new Failure("io", `${"x".repeat(offset)}${secret}${"y".repeat(5000)}`);
    const written = terminationMessage({ ...failed, failure: long }, long, new Secrets({ TOKEN: secret }));
    assert.doesNotMatch(written, /corre/);
  }
});

test("no secret is in the last event, the report or the termination message", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme-ascii", minLength: 6, maxLength: 20 }), (secret) => {
      fc.pre(secret.trim().length >= 6);
      const secrets = new Secrets({ DB_PASSWORD: secret });
      const leaking = new Failure("refused", `wrong ${secret}`, {
        hint: `try ${encodeURIComponent(secret)}`,
        report: { a: [secret] },
      });
      const run = {
        ...failed,
        failure: leaking,
        steps: [
          outcome("done"),
          outcome("failed", { failure: leaking, name: secret, report: { a: [{ b: secret }] } }),
        ],
      };
      const [report, message] = [fresh(), fresh()];
      reporting(run, { report, "termination-log": message }, secrets);
      for (const path of [report, message]) {
        const written = readFileSync(path, "utf8");
        for (const form of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)])
          assert.ok(!written.includes(form), written);
      }
    }),
    { numRuns: 100 },
  );
});
