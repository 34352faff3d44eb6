import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Failure } from "../../src/failure.ts";
import { type StepOutcome, runPlan } from "../../src/run.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { document, mistake, planned } from "../helpers/plan.ts";
import { isRunning, lineIn } from "../helpers/processes.ts";
import { temporary } from "../helpers/temporary.ts";

const node = process.execPath;
const { PATH } = process.env;

/** A document of one step with these lines as its script, the first of them in line 3. */
function documentOf(lines: readonly string[], options: readonly string[] = []): string {
  const text = lines.map((line) => `      ${line}`);
  return ["steps:", "  - script: |", ...text, ...options.map((line) => `    ${line}`), ""].join("\n");
}

interface Surroundings {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly options?: readonly string[];
  readonly signal?: AbortSignal;
}

/** Runs a script in this process, as a step of a document in INITKIT_STEPS. */
async function script(
  lines: readonly string[],
  { env = {}, options, signal = new AbortController().signal }: Surroundings = {},
): Promise<StepOutcome> {
  const whole = { PATH, ...env };
  const { plan, failure } = await planned([], document(documentOf(lines, options), whole));
  if (!plan) throw failure!;
  const { steps } = await runPlan(plan, { signal, env: whole, emit: () => true });
  return steps[0]!;
}

async function failureOf(lines: readonly string[], surroundings?: Surroundings): Promise<Failure> {
  const { failure } = await script(lines, surroundings);
  assert.ok(failure, "the script was to fail");
  return failure;
}

test("a script has zx's tools in scope, and await anywhere", async () => {
  const lines = [
    "const { stdout } = await $`echo from a command`;",
    "echo(stdout.trim(), YAML.parse('a: [1]').a[0], path.join('a', 'b'), typeof fs.promises.readFile);",
    "echo`a template ${1 + 1} ${await $`echo x`}`;",
    "console.log(typeof fetch, typeof require('node:os').cpus, typeof within);",
    "await sleep(1); await sleep('1ms');",
    "let tries = 0;",
    "echo(await retry(3, '1ms', () => { if (++tries < 3) throw new Error('not yet'); return tries; }));",
  ];
  const { stdout, exitCode } = await initkit(["-f", "-"], { input: documentOf(lines) });
  assert.equal(stdout, "from a command 1 a/b function\na template 2 x\nfunction function function\n3\n");
  assert.equal(exitCode, 0);
});

test("placeholders in a script are JavaScript's own", async () => {
  const lines = ["const NAME = 'mine';", "if (`${NAME} $${NAME}` !== 'mine $mine') throw new Error('no');"];
  assert.equal((await script(lines, { env: { NAME: "not this" } })).status, "done");
});

test("check prints a script as it stands, and it can be run again", async () => {
  const text = documentOf(["const x = `${1}`;", "echo(x);"]);
  const { stdout } = await initkit(["check", "-f", "-"], { input: text });
  const again = await initkit(["-f", "-"], { input: stdout });
  assert.deepEqual([again.exitCode, again.stdout], [0, "1\n"]);
});

test("what a script prints passes through byte for byte, and what a command prints is the script's", async () => {
  const lines = [
    "process.stdout.write(Buffer.from([0, 255, 13, 10, 27]));",
    "await $`echo captured; echo seen >&2`;",
  ];
  const child = spawn(node, [entry, "--log-level", "error", "-f", "-"], { stdio: "pipe" });
  child.stdin.end(documentOf(lines));
  const [stdout, stderr] = await Promise.all([buffer(child.stdout), buffer(child.stderr)]);
  assert.deepEqual([...stdout], [0, 255, 13, 10, 27]);
  assert.equal(stderr.toString(), "seen\n");
});

test("what a script prints reaches a reader whole that begins to read late", async () => {
  const child = spawn(node, [entry, "--log-level", "error", "-f", "-"], { stdio: "pipe" });
  child.stdin.end(documentOf(["console.log('x'.repeat(4_000_000));", "console.error('printed');"]));
  await once(child.stderr, "data");
  assert.equal((await buffer(child.stdout)).length, 4_000_001);
});

test("a script cannot be written in arguments", async () => {
  for (const [argv, env] of [
    [["script", "echo(1)"], {}],
    [[], { INITKIT_STEP_1: "script echo(1)" }],
  ] as const) {
    assert.match(await mistake([...argv], env), /script can only stand in a document/);
  }
});

test("a mapping in a variable of one step can be a script", async () => {
  const { stdout } = await initkit([], { env: { INITKIT_STEP_1: "script: |\n  echo(1)\n" } });
  assert.equal(stdout, "1\n");
});

test("a syntax error is a configuration error with its line, and nothing has run", async (t) => {
  const file = join(temporary(t), "made");
  const steps = `${documentOf([`fs.writeFileSync("${file}", "");`])}${documentOf(["let a = 1;", "let b = = 2;"]).replace("steps:\n", "")}`;
  const { exitCode, events } = await initkit(["-f", "-"], { input: steps });
  assert.equal(exitCode, 2);
  assert.match(events.at(-1)!["message"], /syntax error in standard input:6: Unexpected token '='/);
  assert.equal(existsSync(file), false);
});

test("check finds a syntax error in every script of a document", async () => {
  const text = documentOf(["}"]) + documentOf(["await"]).replace("steps:\n", "");
  assert.match(await mistake(["check"], document(text)), /INITKIT_STEPS:3[^]*INITKIT_STEPS:5/);
});

test("an import statement is a configuration error that shows require instead", async () => {
  const { failure } = await planned([], document(documentOf(['import os from "node:os";'])));
  assert.equal(failure?.exitCode, 2);
  assert.match(failure.hint!, /require\("node:os"\)/);
  assert.match((await failureOf(['await import("node:os");'])).hint!, /require\("node:os"\)/);
});

test("an empty script is a configuration error", async () => {
  assert.match(await mistake([], document('steps: [{script: ""}]')), /is empty/);
});

test("a thrown error is 25 with its message and its line in the document", async () => {
  const failures: [string[], RegExp][] = [
    [["let a;", "throw new Error('the reason');"], /^INITKIT_STEPS:4: the reason$/],
    [["", "", "undefinedName();"], /^INITKIT_STEPS:5: ReferenceError: undefinedName is not defined$/],
    [["await sleep(1);", "JSON.parse('{');"], /^INITKIT_STEPS:4: SyntaxError: /],
    [["function f() {", "  throw new TypeError('x');", "}", "f();"], /^INITKIT_STEPS:4: TypeError: x$/],
    [["throw 'a text';"], /^thrown: a text$/],
    [["await $`true`; await $`exit 3`;"], /^INITKIT_STEPS:3: a command ended with exit code 3$/],
    [["", "await $({ quiet: true })`exit 3`;"], /^INITKIT_STEPS:4: a command/],
    [["await $`echo ${null}`;", "await $`echo ${undefined}`; throw new Error('end')"], /^INITKIT_STEPS:4/],
  ];
  for (const [lines, message] of failures) {
    const failure = await failureOf(lines);
    assert.equal(failure.exitCode, 25);
    assert.match(failure.message, message);
  }
});

test("where the lines of a script are not those of the document, its own line is told", async () => {
  const steps = JSON.stringify([{ script: "let a;\nthrow new Error('the reason')" }]);
  const { failure } = await initkit([], { env: { INITKIT_STEPS: steps } }).then(({ report }) => ({
    failure: report?.["steps"][0].error,
  }));
  assert.equal(failure.message, "line 2: the reason");
  assert.equal(failure.exitCode, 25);
});

test("the cause of an error is told with it", async () => {
  const { message } = await failureOf(["throw new Error('outside', { cause: new Error('inside') });"]);
  assert.match(message, /outside: inside$/);
});

test("a failed command has its own code and its last words in the report", async () => {
  const failing = "await $`for i in 1 2 3 4 5 6 7; do echo line $i >&2; done; exit 77`;";
  const { exitCode, report } = await initkit(["-f", "-"], { input: documentOf([failing]) });
  const { error } = report!["steps"][0];
  assert.equal(exitCode, 25);
  assert.deepEqual(error.command, { exitCode: 77 });
  assert.match(error.message, /standard input:3: a command ended with exit code 77: line 3 \/ .* \/ line 7$/);
  const { command } = await failureOf(["await $`kill -KILL $$`;"]);
  assert.deepEqual(command, { signal: "SIGKILL" });
});

test("a program that is not there is 25, and the hint says where to get one", async () => {
  const failure = await failureOf(["await $`no-such-program`;"]);
  assert.deepEqual(failure.command, { exitCode: 127 });
  assert.match(failure.hint!, /initkit:shell/);
});

test("an image without a shell is 25 for good, and the hint says what to do", async (t) => {
  const env = { PATH: temporary(t) };
  const { failure, attempts } = await script(["await $`true`;"], { env, options: ["retries: 3"] });
  assert.equal(failure?.exitCode, 25);
  assert.match(failure.message, /^INITKIT_STEPS:3: cannot start "sh": no such program/);
  assert.match(failure.hint!, /initkit:shell.*initkit install/);
  assert.equal(attempts, 1);
  assert.equal((await script(["echo;"], { env })).status, "done");
});

for (const shell of ["sh", "busybox"]) {
  const found = `/bin/${shell}`;
  const skip = !existsSync(found) && !existsSync(`/usr${found}`) && `needs ${shell}`;
  test(
    `where there is no bash, ${shell} is used, and every argument reaches a command whole`,
    { skip },
    async (t) => {
      const folder = temporary(t);
      const bin = join(folder, "bin");
      mkdirSync(bin);
      symlinkSync(existsSync(found) ? found : `/usr${found}`, join(bin, "sh"));
      for (const name of ["printf", "cat"]) symlinkSync(`/usr/bin/${name}`, join(bin, name));
      const lines = [
        "const words = ['$HOME', '*', 'a b', \"'\", '', ';exit 1', '\\\\n', '\\n', '`'];",
        "const { stdout } = await $`printf '%s|' ${words}`;",
        "if (stdout !== words.map((word) => `${word}|`).join('')) throw new Error(stdout);",
        "if ((await $`echo $0`).stdout.includes('bash')) throw new Error('bash');",
      ];
      assert.equal((await script(lines, { env: { PATH: bin } })).failure, undefined);
      assert.deepEqual((await failureOf(["await $`false; true`;"], { env: { PATH: bin } })).command, {
        exitCode: 1,
      });
    },
  );
}

test("in bash every argument reaches a command whole", async () => {
  const lines = [
    "const words = ['$HOME', '*', 'a b', \"'\", '', ';exit 1', '\\\\n', '\\n', '`'];",
    "const { stdout } = await $`printf '%s|' ${words}`;",
    "if (stdout !== words.map((word) => `${word}|`).join('')) throw new Error(stdout);",
  ];
  assert.equal((await script(lines)).failure, undefined);
});

test("a failing script is tried again as often as retries say", async () => {
  const { failure, attempts } = await script(["throw new Error('no');"], {
    options: ["retries: 2", "backoff: 1ms"],
  });
  assert.equal(failure?.exitCode, 25);
  assert.equal(attempts, 3);
});

test("each attempt begins with the environment and the folder of the container", async () => {
  const lines = [
    "if (process.env.SEEN || process.cwd() === '/') throw new Error('left over');",
    "process.env.SEEN = '1'; cd('/');",
    "const { stdout } = await $`echo $SEEN $PWD`;",
    "if (stdout !== '1 /\\n') process.exit(9);",
    "$.verbose = true;",
    "throw new Error('again');",
  ];
  const { failure, attempts } = await script(lines, { options: ["retries: 2", "backoff: 1ms"] });
  assert.match(failure!.message, /again/);
  assert.equal(attempts, 3);
  assert.notEqual(process.cwd(), "/");
  assert.equal(process.env["SEEN"], undefined);
});

test("process.exit ends the script and not initkit, even where the script catches everything", async () => {
  const zero = await script(["try { process.exit(0); } catch {}", "await sleep('1h');"]);
  assert.equal(zero.status, "done");
  for (const ending of [
    "process.exit(3);",
    "process.exitCode = 3;",
    "setTimeout(() => process.exit(3)); await sleep('1h');",
  ]) {
    const failure = await failureOf([ending]);
    assert.equal(failure.exitCode, 25);
    assert.deepEqual(failure.command, { exitCode: 3 });
  }
});

for (const [line, message] of [
  ["setTimeout(() => { throw new Error('lost'); }); await sleep('1h');", "lost"],
  ["Promise.reject(new Error('lost')); await sleep('1h');", "lost"],
  ["(async () => { await sleep(1); throw new Error('lost'); })();", "lost"],
  ["$`exit 4`;", "a command ended with exit code 4"],
] as const) {
  // In a process of its own: the test runner would take such an error for its own.
  test(`an error that nobody catches is the script's, not a defect of initkit: ${line}`, async () => {
    const { exitCode, report } = await initkit([], { env: { INITKIT_STEPS: documentOf([line]) } });
    assert.equal(exitCode, 25);
    assert.equal(report?.["steps"][0].error.message, `INITKIT_STEPS:3: ${message}`);
  });
}

test("a script is not done before what it has begun is", async (t) => {
  const file = join(temporary(t), "made");
  const main = `async function main() { await sleep(20); await $\`echo made > ${file}\`; }`;
  assert.equal((await script([main, "main();"])).status, "done");
  assert.equal(readFileSync(file, "utf8"), "made\n");
});

test("a script that takes longer than the timeout is 13, and all of its processes are gone", async (t) => {
  const file = join(temporary(t), "ids");
  const running = script([`await $\`sleep 60 & echo $$ $! > ${file}; wait\`;`], { options: ["timeout: 1s"] });
  const ids = (await lineIn(file)).split(" ");
  assert.deepEqual(ids.map(isRunning), [true, true]);
  const { failure } = await running;
  assert.equal(failure?.exitCode, 13);
  assert.deepEqual(ids.map(isRunning), [false, false]);
});

for (const [what, line] of [
  ["a pause", "await sleep('1h');"],
  ["a retry", "await retry(1000000, '1ms', () => { throw new Error('no'); });"],
  ["a promise that never settles", "await new Promise(() => {});"],
  [
    "a loop that catches everything",
    "for (;;) try { await $`false`; } catch { try { await sleep(10); } catch {} }",
  ],
] as const) {
  test(`${what} is given up at the timeout`, async () => {
    const failure = await failureOf([line], { options: ["timeout: 300ms"] });
    assert.equal(failure.exitCode, 13);
  });
}

test("a loop that never gives way is ended at the timeout", async () => {
  for (const lines of [
    ["while (true);"],
    ["try { while (!fs.existsSync('/nothing/there')); } finally { echo('over') }"],
  ]) {
    const failure = await failureOf(lines, { options: ["timeout: 300ms"] });
    assert.equal(failure.exitCode, 13);
  }
});

test("a loop that never gives way is ended at the timeout of the run, too", async () => {
  const text = `timeout: 300ms\n${documentOf(["while (true);"])}`;
  const { exitCode } = await initkit(["-f", "-"], { input: text });
  assert.equal(exitCode, 124);
});

test("a loop that never gives way is tried again like anything else that takes too long", async () => {
  const options = ["attempt-timeout: 100ms", "retries: 1", "backoff: 10ms"];
  const { attempts, failure } = await script(["for (;;);"], { options });
  assert.deepEqual([attempts, failure?.exitCode], [2, 13]);
});

test("a part of zx that is not in scope is told with what is", async () => {
  const failure = await failureOf(["echo(await glob('*.txt'))"]);
  assert.match(failure.message, /glob is not defined/);
  assert.match(failure.hint!, /\$, YAML, cd.*require/);
});

test("a request is broken off at the timeout", async (t) => {
  const server = createServer(() => {}).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const closed = once(server, "connection").then(([socket]) => once(socket, "close"));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const failure = await failureOf([`await fetch("${url}");`], { options: ["timeout: 300ms"] });
  assert.equal(failure.exitCode, 13);
  await closed;
});

test("a script may clean up when it is told to stop", async (t) => {
  const folder = temporary(t);
  const lines = [
    `try { fs.writeFileSync("${folder}/ready", "\\n"); await sleep('1h'); }`,
    `finally { fs.writeFileSync("${folder}/tidy", ""); }`,
  ];
  const controller = new AbortController();
  const reason = new Failure("signal", "told to stop", { signal: 15, kind: "SIGTERM" });
  const running = script(lines, { signal: controller.signal });
  await lineIn(join(folder, "ready"));
  controller.abort(reason);
  assert.equal((await running).failure, reason);
  assert.ok(existsSync(join(folder, "tidy")));
});

for (const [signal, exitCode] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  test(`${signal} is passed on to the commands of a script, and initkit ends with ${exitCode}`, async (t) => {
    const folder = temporary(t);
    const name = signal.slice(3);
    const command = `trap 'echo got ${name} > ${folder}/got; exit 0' ${name}; echo > ${folder}/ready; while :; do sleep 0.05; done`;
    writeFileSync(join(folder, "steps.yaml"), documentOf([`await $\`${command}\`;`]));
    const child = spawn(node, [entry, "-f", join(folder, "steps.yaml")], { stdio: "ignore" });
    const ended = once(child, "exit");
    await lineIn(join(folder, "ready"));
    child.kill(signal);
    assert.deepEqual(await ended, [exitCode, null]);
    assert.equal(await lineIn(join(folder, "got")), `got ${name}`);
  });
}

test("no command of a script outlives initkit", async (t) => {
  const folder = temporary(t);
  const command = `trap '' TERM; echo $$ > ${folder}/id; while :; do sleep 0.1; done`;
  writeFileSync(join(folder, "steps.yaml"), documentOf([`await $\`${command}\`;`]));
  const child = spawn(node, [entry, "-f", join(folder, "steps.yaml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  const id = await lineIn(join(folder, "id"));
  child.kill("SIGTERM");
  await setTimeout(100);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [143, null]);
  while (isRunning(id)) await setTimeout(5);
});

test("what a command leaves running is ended with the script", async (t) => {
  const file = join(temporary(t), "id");
  const { status } = await script([`await $\`sleep 60 >/dev/null 2>&1 & echo $! > ${file}\`;`]);
  assert.equal(status, "done");
  assert.equal(isRunning(await lineIn(file)), false);
});

test("kill and timeout of zx end a command and what it has started, without the program ps", async (t) => {
  const file = join(temporary(t), "id");
  const lines = [`await $\`sleep 60 & echo $! > ${file}; wait\`.timeout('200ms').nothrow();`];
  assert.equal((await script(lines)).status, "done");
  assert.equal(isRunning(await lineIn(file)), false);
});

test("a secret that a script throws is hidden in logs and report", async () => {
  const lines = ["throw new Error(`login failed with ${process.env.DB_PASSWORD}`);"];
  const { stderr, report } = await initkit(["-f", "-"], {
    input: documentOf(lines),
    env: { DB_PASSWORD: "correct-horse" },
  });
  assert.match(stderr, /login failed with \*\*\*/);
  assert.doesNotMatch(stderr + JSON.stringify(report), /correct-horse/);
});

test("a script leaves nothing behind in initkit", async () => {
  const before = process.eventNames().map((name) => process.listenerCount(name));
  await script(["await Promise.all(Array.from({ length: 12 }, () => $`true`));"]);
  assert.deepEqual(
    process.eventNames().map((name) => process.listenerCount(name)),
    before,
  );
  assert.equal(process.hasUncaughtExceptionCaptureCallback(), false);
});
