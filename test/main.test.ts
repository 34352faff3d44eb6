import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { type Ended, entry, initkit } from "./helpers/initkit.ts";

const folder = mkdtempSync(join(tmpdir(), "initkit-main-"));
after(() => rmSync(folder, { recursive: true }));
let files = 0;
const fresh = (): string => join(folder, `file-${++files}`);

const quick = ["sleep", "10ms"];
const last = ({ events }: Ended) => events.at(-1)!;

test("a run that ends well exits with 0, prints nothing, and tells every step", async () => {
  const ended = await initkit([...quick, "then", "sleep", "1ms", "--when", "no", "--name", "skipped one"]);
  assert.equal(ended.exitCode, 0, ended.stderr);
  assert.equal(ended.stdout, "");
  assert.deepEqual(
    ended.events.map(({ event }) => event),
    ["run.start", "step.start", "step.done", "step.skipped", "run.done"],
  );
  for (const { time, level, message } of ended.events) {
    assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.equal(level, "info");
    assert.ok(message.length > 0);
  }
  const [, started, done, skipped] = ended.events;
  assert.deepEqual(
    [started!["step"], started!["steps"], started!["task"], started!["name"]],
    [1, 2, "sleep", "sleep 10ms"],
  );
  assert.ok(done!["durationMs"] >= 9);
  assert.deepEqual([skipped!["step"], skipped!["name"]], [2, "skipped one"]);
  assert.ok(last(ended)["durationMs"] >= 9);
  assert.deepEqual(
    ended.report!["steps"].map(({ status }: { status: string }) => status),
    ["done", "skipped"],
  );
  assert.equal(ended.report!["exitCode"], 0);
});

test("a failing run exits with the failure's code, told in log, report and termination message", async () => {
  const path = fresh();
  const ended = await initkit([
    "--termination-log",
    path,
    "sleep",
    "1h",
    "--timeout",
    "20ms",
    "then",
    ...quick,
  ]);
  assert.equal(ended.exitCode, 13);
  const failed = ended.events.find(({ event }) => event === "step.failed")!;
  assert.deepEqual(
    [failed["level"], failed["step"], failed["error"].code, failed["error"].exitCode],
    ["error", 1, "command-timeout", 13],
  );
  assert.ok(failed["error"].hint);
  assert.equal(last(ended)["event"], "run.failed");
  assert.equal(last(ended)["error"].code, "command-timeout");
  assert.deepEqual(
    ended.report!["steps"].map(({ status }: { status: string }) => status),
    ["failed", "not-reached"],
  );
  assert.match(readFileSync(path, "utf8"), /step 1 of 2 .*\n.*hint: .*\n.*exit code 13/);
});

test("the timeout of the whole run exits with 124", async () => {
  const ended = await initkit(["--timeout", "50ms", "sleep", "1h", "--optional"]);
  assert.equal(ended.exitCode, 124);
  assert.equal(ended.report!["exitCode"], 124);
  assert.equal(last(ended)["error"].code, "run-timeout");
});

test("a configuration error exits with 2 before anything runs, with report and termination message", async () => {
  const [marker, message] = [fresh(), fresh()];
  const ended = await initkit(["--termination-log", message, ...quick, "then", "slep", "1"], {
    env: { MARKER: marker },
  });
  assert.equal(ended.exitCode, 2);
  assert.equal(ended.stdout, "");
  assert.ok(!ended.events.some(({ event }) => event.startsWith("step.")), "no step has started");
  assert.equal(last(ended)["event"], "run.failed");
  assert.deepEqual(
    [ended.report!["status"], ended.report!["exitCode"], ended.report!["steps"]],
    ["failed", 2, []],
  );
  assert.match(readFileSync(message, "utf8"), /^argument 6: .*slep[^]*exit code 2/);
});

for (const [signal, code] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
  ["SIGHUP", 129],
  ["SIGQUIT", 131],
] as const) {
  test(`${signal} ends a step at once with ${code}, and the report is written`, async () => {
    let sentAt = 0;
    const ended = await initkit(["sleep", "1h", "--optional", "then", ...quick], {
      onEvent: ({ event }, process) => {
        if (event !== "step.start") return;
        sentAt = performance.now();
        process.kill(signal);
      },
    });
    assert.deepEqual([ended.exitCode, ended.signal], [code, null]);
    assert.ok(performance.now() - sentAt < 2000);
    assert.deepEqual(
      ended.report!["steps"].map(({ status }: { status: string }) => status),
      ["failed", "not-reached"],
    );
    assert.equal(last(ended)["error"].code, "signal");
    assert.equal(last(ended)["error"].exitCode, code);
  });
}

test("a signal ends a step that waits for its configuration from a pipe", async () => {
  const pipe = fresh();
  execFileSync("mkfifo", [pipe]);
  const child = spawn(process.execPath, [entry, "-f", pipe], {
    env: { PATH: process.env["PATH"] },
    stdio: "ignore",
  });
  const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const writer = await open(pipe, "w");
  child.kill("SIGTERM");
  const timer = setTimeout(() => child.kill("SIGKILL"), 1500);
  const [, signal] = await exited;
  clearTimeout(timer);
  await writer.close();
  assert.equal(signal, "SIGTERM");
});

test("steps come from standard input, a pipe or a file", async () => {
  const document = "- sleep: 1ms\n  name: from outside\n";
  const path = fresh();
  writeFileSync(path, document);
  for (const ended of await Promise.all([
    initkit(["-f", "-"], { input: document }),
    initkit(["-f", path]),
    initkit([], { env: { INITKIT_FILE: path } }),
  ])) {
    assert.equal(ended.exitCode, 0, ended.stderr);
    assert.equal(ended.report!["steps"][0].name, "from outside");
  }
});

test("a mistake in a file names file, line and column", async () => {
  const path = fresh();
  writeFileSync(path, "steps:\n  - sleep: soon\n");
  const [file, input] = await Promise.all([
    initkit(["-f", path]),
    initkit(["-f", "-"], { input: "- slep: 1" }),
  ]);
  assert.ok(last(file)["message"].startsWith(`${path}:2:12: `), last(file)["message"]);
  assert.match(last(input)["message"], /^standard input:1:3: /);
});

test("a source that is set but not used is named in a warning, and the run goes on", async () => {
  const ended = await initkit(quick, { env: { INITKIT_STEP_1: "sleep 1h" } });
  assert.equal(ended.exitCode, 0);
  assert.match(ended.events.find(({ level }) => level === "warn")!["message"], /INITKIT_STEP_/);
});

test("every event has a name of the contract", async () => {
  const all = new Set(
    "run.start step.start attempt.failed step.progress step.done step.unchanged step.skipped step.failed run.done run.failed".split(
      " ",
    ),
  );
  const runs = [
    initkit(quick, { env: { INITKIT_STEP_1: "sleep 1h" } }),
    initkit(["--report", folder, ...quick]),
    initkit(["slep"]),
  ];
  for (const { events } of await Promise.all(runs))
    for (const { event } of events) assert.ok(all.has(event), event);
});

test("the log level leaves out what is below it", async () => {
  const [error, warn, failing] = await Promise.all([
    initkit(["--log-level", "error", ...quick], { env: { INITKIT_STEP_1: "sleep 1h" } }),
    initkit(["--log-level", "warn", ...quick], { env: { INITKIT_STEP_1: "sleep 1h" } }),
    initkit(["--log-level=error", "sleep", "1h", "--timeout", "1ms"]),
  ]);
  assert.equal(error.stderr, "");
  assert.deepEqual(
    warn.events.map(({ level }) => level),
    ["warn"],
  );
  assert.deepEqual(new Set(failing.events.map(({ level }) => level)), new Set(["error"]));
});

test("text logs hold place, name, reason and hint; auto is JSON where there is no terminal", async () => {
  const [text, auto] = await Promise.all([
    initkit(["--log-format", "text", "sleep", "1h", "--timeout", "1ms", "--name", "my nap"]),
    initkit(quick, { env: { INITKIT_LOG_FORMAT: "auto" } }),
  ]);
  assert.match(text.stderr, /^\d\d:\d\d:\d\d .*\[1\/1\] my nap: started$/m);
  assert.match(text.stderr, /ERROR \[1\/1\] my nap: failed: .*\n\s+hint: /);
  assert.equal(text.events.length, 0);
  assert.equal(auto.events.length, 4);
});

test("check prints the plan, touches nothing, and exits 0 or 2", async () => {
  const home = fresh();
  mkdirSync(home);
  const env = { INITKIT_REPORT: join(home, "report"), INITKIT_TERMINATION_LOG: "" };
  const [good, bad] = await Promise.all([
    initkit(["check", "sleep", "1h", "then", "permissions", home, "--mode", "0"], { env, cwd: home }),
    initkit(["check", "slep", "1h"], { cwd: home }),
  ]);
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /^steps:\n {2}- sleep: 1h\n/);
  assert.deepEqual(readdirSync(home), []);
  assert.equal(bad.exitCode, 2);
  assert.equal(bad.stdout, "");
  assert.match(bad.stderr, /slep/);
});

test("version, help and an unknown help topic", async () => {
  const [version, topic, unknown, inStep] = await Promise.all([
    initkit(["--version"]),
    initkit(["help", "sleep"]),
    initkit(["help", "slep"]),
    initkit(["sleep", "--help"]),
  ]);
  assert.equal(version.exitCode, 0);
  assert.match(version.stdout, /^\S+\n$/);
  assert.equal(topic.exitCode, 0);
  assert.match(topic.stdout, /initkit sleep DURATION/);
  assert.equal(inStep.stdout, topic.stdout);
  assert.equal(unknown.exitCode, 2);
  assert.equal(unknown.stdout, "");
  assert.match(unknown.stderr, /sleep/);
});

test("a report and a termination message that cannot be written keep the exit code", async () => {
  const nowhere = join(folder, "no", "such", "folder");
  const [good, bad] = await Promise.all([
    initkit(["--report", nowhere, "--termination-log", nowhere, ...quick]),
    initkit(["--report", nowhere, "--termination-log", nowhere, "sleep", "1h", "--timeout", "1ms"]),
  ]);
  assert.equal(good.exitCode, 0);
  assert.equal(bad.exitCode, 13);
  assert.equal(good.events.at(-1)!["level"], "warn");
  for (const { message } of [good, bad].map(({ events }) => events.at(-1)!)) {
    assert.ok(message.includes(`cannot write the report "${nowhere}"`), message);
  }
  assert.ok(bad.events.at(-1)!["message"].includes(`cannot write the termination message "${nowhere}"`));
});

test("no secret leaves by the log, the plan, the report or the termination message", async () => {
  const secret = "s3cr3t/wörd&x";
  const path = fresh();
  const key = fresh();
  writeFileSync(key, `${secret}2\n`);
  const env = {
    DB_PASSWORD: secret,
    URL: `postgres://app:${encodeURIComponent(secret)}@db`,
    B64: Buffer.from(secret).toString("base64"),
    INITKIT_TERMINATION_LOG: path,
  };
  const names = [
    "${DB_PASSWORD}",
    "${URL}",
    "${B64}",
    `\${file:${key}}`,
    `https://${encodeURIComponent(secret)}@h`,
  ];
  const words = names.flatMap((name) => ["sleep", "1ms", "--name", name, "then"]);
  const runs = await Promise.all([
    initkit([...words, "sleep", "1h", "--timeout", "1ms", "--name", "${URL}"], { env }),
    initkit([...words, "sleep", "1h", "--timeout", "1ms", "--name", "${URL}"], {
      env: { ...env, INITKIT_LOG_FORMAT: "text" },
    }),
    initkit(["check", ...words, "sleep", "1h"], { env }),
    initkit([...words, "sleep", "${URL}"], { env }),
    initkit([...words, `${secret}`], { env }),
  ]);
  const all = [
    ...runs.flatMap(({ stdout, stderr, report }) => [stdout, stderr, JSON.stringify(report ?? {})]),
    readFileSync(path, "utf8"),
  ].join("\n");
  for (const form of [secret, encodeURIComponent(secret), Buffer.from(secret).toString("base64")])
    assert.ok(!all.includes(form), form);
});

/** Exit code, processor time and peak memory of a run whose document is rubbish. */
async function measured(
  args: readonly string[],
  input = "",
): Promise<{ code: number; ms: number; peakMiB: number; stderr: string }> {
  const tell = `import{writeSync}from"node:fs";process.on("exit",()=>writeSync(3,JSON.stringify(process.resourceUsage())))`;
  const child = spawn(
    process.execPath,
    ["--import", `data:text/javascript,${encodeURIComponent(tell)}`, entry, ...args],
    {
      env: { PATH: process.env["PATH"], INITKIT_LOG_FORMAT: "json" },
      stdio: ["pipe", "ignore", "pipe", "pipe"],
    },
  );
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  let stderr = "";
  let usage = "";
  child.stderr!.setEncoding("utf8").on("data", (chunk: string) => (stderr += chunk));
  child.stdio[3]!.on("data", (chunk) => (usage += chunk));
  child.stdin!.on("error", () => {}).end(input);
  const [code] = (await once(child, "close")) as [number];
  clearTimeout(timer);
  const { maxRSS, userCPUTime, systemCPUTime } = JSON.parse(usage || "{}") as Partial<NodeJS.ResourceUsage>;
  const ms = ((userCPUTime ?? Infinity) + (systemCPUTime ?? Infinity)) / 1000;
  return { code, ms, peakMiB: (maxRSS ?? Infinity) / 1024, stderr };
}

const mebibyte = 1024 ** 2 - 64;
const repeated = (text: string): string => text.repeat(Math.floor(mebibyte / text.length));
const numbered = (form: (number: number) => string): string =>
  Array.from({ length: 30_000 }, (_, number) => form(number))
    .join("")
    .slice(0, mebibyte);

const rubbish: Readonly<Record<string, string | Uint8Array>> = {
  "an empty document": "",
  "a document of 10 MB": "- sleep: 1\n".repeat(950_000),
  "binary rubbish": Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 7919) % 256)),
  "NUL bytes": "\0".repeat(500_000),
  "a list of a mebibyte": `[${repeated("1,")}]`,
  "as many steps as fit into a mebibyte": repeated("- sleep: 1\n"),
  "lists nested a million deep": repeated("["),
  "mappings nested without end": repeated("{a: "),
  "block lists nested without end": repeated("- "),
  "closing brackets": repeated("}"),
  "a mapping of very many keys": `- sleep: 1\n${numbered((number) => `  key${number}: 1\n`)}`,
  "aliases that explode": `${numbered((n) =>
    n < 30
      ? `a${n}: &a${n} [${Array(9)
          .fill(n ? `*a${n - 1}` : "x")
          .join()}]\n`
      : "",
  )}steps: *a29\n`,
  "very many aliases": `- &a {sleep: 1}\n${repeated("- *a\n").slice(64)}`,
  "very many mistakes": repeated("- !x b\n"),
  "quotations that never end": repeated("- 'a\n"),
};

for (const [what, content] of Object.entries(rubbish)) {
  test(`${what} ends with 2 within 2 s and under 200 MB, without a stack trace`, async () => {
    const path = fresh();
    writeFileSync(path, content);
    const { code, ms, peakMiB, stderr } = await measured(["-f", path]);
    rmSync(path);
    assert.equal(code, 2, stderr.slice(0, 500));
    assert.ok(ms < 2000, `${ms} ms`);
    assert.ok(peakMiB < 200, `${peakMiB} MiB`);
    assert.doesNotMatch(stderr, /\n\s+at |\\n\s+at |RangeError|call stack/);
    assert.ok(stderr.length < 20_000, `${stderr.length} characters`);
  });
}

test("a file that is missing, a folder or a device ends with 2 and its name", async () => {
  const paths = [join(folder, "missing"), folder, "/dev/zero", "/proc/self/mem"];
  for (const [index, { code, stderr }] of (
    await Promise.all(paths.map((path) => measured(["-f", path])))
  ).entries()) {
    assert.equal(code, 2, stderr);
    assert.ok(stderr.includes(paths[index]!), stderr);
  }
});

test("a long value in a mistake is shown in part", async () => {
  const { code, stderr } = await measured(["-f", "-"], `- sleep: ${"x".repeat(500_000)}`);
  assert.equal(code, 2);
  assert.ok(stderr.length < 20_000, `${stderr.length} characters`);
});

test("a secret as long as a certificate bundle does not stop the log", async () => {
  const path = fresh();
  writeFileSync(
    path,
    Buffer.from(Array.from({ length: 150_000 }, (_, at) => (at * 7919) % 256)).toString("base64"),
  );
  const ended = await initkit(["sleep", "1ms", "--name", `\${file:${path}}`]);
  assert.equal(ended.exitCode, 0);
  assert.ok(!ended.stderr.includes(readFileSync(path, "utf8").slice(0, 100)));
});

test("a reader of standard output that has seen enough is no failure", async () => {
  for (const words of [["schema"], ["help"], ["check", ...quick]]) {
    const child = spawn(process.execPath, [entry, ...words], { stdio: ["ignore", "pipe", "pipe"] });
    child.stdout.destroy();
    const told: Buffer[] = [];
    child.stderr.on("data", (data: Buffer) => told.push(data));
    assert.deepEqual(await once(child, "close"), [0, null]);
    assert.equal(Buffer.concat(told).toString(), "");
  }
});

test("a full disk under standard output is 14, and no defect", async () => {
  await using full = await open("/dev/full", "w");
  const child = spawn(process.execPath, [entry, "schema"], { stdio: ["ignore", full.fd, "pipe"] });
  const told: Buffer[] = [];
  child.stderr!.on("data", (data: Buffer) => told.push(data));
  assert.deepEqual(await once(child, "close"), [14, null]);
  assert.match(Buffer.concat(told).toString(), /ENOSPC/);
});

test("a report and a termination message may go to an output of initkit, behind what stands there", async () => {
  const path = fresh();
  await using output = await open(path, "w");
  const words = [
    "--report",
    "/dev/stdout",
    "--termination-log",
    "/dev/fd/1",
    "run",
    "--",
    "sh",
    "-c",
    "echo ran; exit 3",
  ];
  const child = spawn(process.execPath, [entry, ...words], { stdio: ["ignore", output.fd, "ignore"] });
  assert.deepEqual(await once(child, "close"), [25, null]);
  const written = readFileSync(path, "utf8");
  assert.match(written, /^ran\n\{\n[^]+\n\}\nstep 1 of 1 \(run sh\) failed/);
  const piped = await initkit(["--report", "/dev/stdout", ...quick]);
  assert.equal(JSON.parse(piped.stdout).exitCode, 0);
});
