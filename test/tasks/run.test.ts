import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { buffer } from "node:stream/consumers";
import { once } from "node:events";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { Failure } from "../../src/failure.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { isRunning, lineIn } from "../helpers/processes.ts";
import { temporaryFolder } from "../helpers/tree.ts";

const node = process.execPath;
const isRoot = process.getuid!() === 0;
const env = { PATH: process.env["PATH"] };

const run = (...words: string[]) => runTask("run", words, { env });
const shell = (script: string, ...words: string[]) => run(...words, "--", "sh", "-c", script);

test("the output of a command passes through byte for byte, and its input is empty", async () => {
  const script = `process.stdin.pipe(process.stdout); process.stdout.write(Buffer.from([0, 255, 13, 10, 27]))`;
  const child = spawn(node, [entry, "run", "--", node, "-e", script], { stdio: ["pipe", "pipe", "ignore"] });
  child.stdin.on("error", () => {}).end("not for the command");
  assert.deepEqual([...(await buffer(child.stdout))], [0, 255, 13, 10, 27]);
});

test("no shell touches the words of a command", async () => {
  const words = ["$HOME", "*", "a b", "'", "", ";exit 1", "--env", "-x"];
  const script = "process.stdout.write(JSON.stringify(process.argv.slice(1)))";
  const { stdout, exitCode, report } = await initkit(["run", "--", node, "-e", script, "--", ...words]);
  assert.deepEqual(JSON.parse(stdout), words);
  assert.equal(exitCode, 0);
  assert.deepEqual(report?.["steps"][0].command, { exitCode: 0 });
});

test("a command has the variables of the container, and those of env", async () => {
  const script = "process.stdout.write([process.env.A, process.env.B, process.env.C].join())";
  const words = ["run", "--env", "B=2=2", "--env", "C=", "--", node, "-e", script];
  const { stdout } = await initkit(words, { env: { A: "1", B: "1", C: "1" } });
  assert.equal(stdout, "1,2=2,");
});

test("a command runs in cwd, where a relative name is looked for", async () => {
  using folder = temporaryFolder();
  writeFileSync(join(folder.path, "tool"), "#!/bin/sh\npwd > here\n", { mode: 0o755 });
  assert.equal((await run("--cwd", folder.path, "--", "./tool")).status, "done");
  assert.equal(readFileSync(join(folder.path, "here"), "utf8").trim(), folder.path);
});

test("a command that fails is 25 with its own code, and is not tried again by itself", async () => {
  const { failure, attempts } = await shell("exit 3");
  assert.equal(failure?.exitCode, 25);
  assert.deepEqual(failure.command, { exitCode: 3 });
  assert.equal(failure.permanent, false);
  assert.equal(attempts, 1);
});

test("a command that is ended by a signal is 25 with the signal", async () => {
  const { failure } = await shell("kill -KILL $$");
  assert.equal(failure?.exitCode, 25);
  assert.deepEqual(failure.command, { signal: "SIGKILL" });
});

test("the code of a failed command is in the report", async () => {
  const { exitCode, report } = await initkit(["run", "--", "sh", "-c", "exit 77"]);
  assert.equal(exitCode, 25);
  assert.deepEqual(report?.["steps"][0].error.command, { exitCode: 77 });
});

test("a failing command is tried again as often as retries say", async () => {
  const { failure, attempts } = await shell("exit 3", "--retries", "2", "--backoff", "1ms");
  assert.equal(failure?.exitCode, 25);
  assert.equal(attempts, 3);
});

test("until-success tries again until the command succeeds", async () => {
  using folder = temporaryFolder();
  const script = `cd ${folder.path}; echo >> tries; [ $(wc -l < tries) -ge 4 ]`;
  const { status, attempts } = await shell(script, "--until-success", "--backoff", "1ms");
  assert.deepEqual([status, attempts], ["done", 4]);
});

test("until-success whose time runs out on failures is 25, not 13", async () => {
  const { failure } = await shell("exit 5", "--until-success", "--backoff", "10ms", "--timeout", "200ms");
  assert.equal(failure?.exitCode, 25);
  assert.deepEqual(failure.command, { exitCode: 5 });
});

test("a command that cannot be started is 25 for good", async () => {
  using folder = temporaryFolder();
  const at = (name: string, text: string, mode: number) => {
    writeFileSync(join(folder.path, name), text);
    chmodSync(join(folder.path, name), mode);
    return join(folder.path, name);
  };
  const cannot: [string[], RegExp][] = [
    [["no-such-program"], /no such program.*initkit:shell/],
    [["/no/such/program"], /no such program/],
    [["sh -c true"], /no such program.*list/],
    [[at("plain", "#!/bin/sh\n", 0o644)], /EACCES/],
    [[folder.path], /EACCES/],
    [[at("orphan", "#!/no/such/shell\n", 0o755)], /orphan" is there.*#!/],
    [[join(at("file", "", 0o644), "x")], /ENOTDIR/],
  ];
  for (const [command, says] of cannot) {
    const { failure, attempts } = await run("--retries", "unlimited", "--", ...command);
    assert.equal(failure?.exitCode, 25, command[0]!);
    assert.equal(attempts, 1, command[0]!);
    assert.match(`${failure.message} ${failure.hint}`, says);
  }
});

test("a cwd that is not there is 25 for good", async () => {
  const { failure, attempts } = await run("--retries", "1", "--cwd", "/no/such/folder", "--", "true");
  assert.equal(failure?.exitCode, 25);
  assert.equal(attempts, 1);
  assert.match(failure.message, /"\/no\/such\/folder"/);
});

test("a command that takes longer than the timeout is 13, and all of its processes are gone", async () => {
  using folder = temporaryFolder();
  const script = `sleep 60 & echo $$ $! > ${folder.path}/ids; wait`;
  const running = shell(script, "--timeout", "1s");
  const ids = (await lineIn(join(folder.path, "ids"))).split(" ");
  assert.deepEqual(ids.map(isRunning), [true, true]);
  const { failure } = await running;
  assert.equal(failure?.exitCode, 13);
  assert.deepEqual(ids.map(isRunning), [false, false]);
});

test("a command that ignores SIGTERM is killed after its grace", async () => {
  using folder = temporaryFolder();
  const script = `trap '' TERM; echo $$ > ${folder.path}/id; while :; do sleep 0.1; done`;
  const running = shell(script, "--attempt-timeout", "500ms", "--grace", "100ms");
  const id = await lineIn(join(folder.path, "id"));
  assert.equal((await running).failure?.exitCode, 13);
  assert.equal(isRunning(id), false);
});

test("a command may use its grace to end in order", async () => {
  using folder = temporaryFolder();
  const script = `trap 'sleep 0.3; echo > ${folder.path}/tidy; exit 0' TERM; echo > ${folder.path}/ready; sleep 60 & wait`;
  const controller = new AbortController();
  const reason = new Failure("signal", "told to stop", { signal: 15, kind: "SIGTERM" });
  const running = runTask("run", ["--", "sh", "-c", script], { env, signal: controller.signal });
  await lineIn(join(folder.path, "ready"));
  controller.abort(reason);
  assert.equal((await running).failure, reason);
  assert.ok(existsSync(join(folder.path, "tidy")));
});

test("what a command leaves running in its group is ended with it", async () => {
  using folder = temporaryFolder();
  const { status } = await shell(`sleep 60 & echo $! > ${folder.path}/id`);
  assert.equal(status, "done");
  assert.equal(isRunning(await lineIn(join(folder.path, "id"))), false);
});

for (const [signal, exitCode] of [
  ["SIGTERM", 143],
  ["SIGINT", 130],
] as const) {
  test(`${signal} is passed on to the command, and initkit ends with ${exitCode}`, async () => {
    const name = signal.slice(3);
    const script = `trap 'echo got ${name}; exit 0' ${name}; echo ready; while :; do sleep 0.05; done`;
    const child = spawn(node, [entry, "run", "--", "sh", "-c", script], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    const output = child.stdout.setEncoding("utf8");
    let text = "";
    output.on("data", (chunk: string) => {
      if (text === "") child.kill(signal);
      text += chunk;
    });
    assert.deepEqual(await once(child, "close"), [exitCode, null]);
    assert.equal(text, `ready\ngot ${name}\n`);
  });
}

test("a second signal ends initkit at once, and no process is left", async () => {
  using folder = temporaryFolder();
  const script = `trap '' TERM; sh -c "trap '' TERM; echo \\$\\$ > ${folder.path}/id; sleep 60" & wait`;
  const child = spawn(node, [entry, "run", "--grace", "1m", "--", "sh", "-c", script], { stdio: "ignore" });
  const ended = once(child, "exit");
  const id = await lineIn(join(folder.path, "id"));
  child.kill("SIGTERM");
  await setTimeout(100);
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [143, null]);
  while (isRunning(id)) await setTimeout(5);
});

test("a secret among the arguments is a configuration error, unless it is allowed", async () => {
  const secrets = { ...env, DB_PASSWORD: "correct-horse" };
  const words = ["--", "true", "--password=correct-horse"];
  const refused = await runTask("run", words, { env: secrets });
  assert.equal(refused.failure?.exitCode, 2);
  assert.match(refused.failure.hint!, /env NAME=VALUE/);
  assert.doesNotMatch(refused.failure.message, /correct-horse/);
  const url = await runTask("run", ["--", "true", "postgres://me:battery@db/x"], { env });
  assert.equal(url.failure?.exitCode, 2);
  assert.equal((await runTask("run", ["--secret-args", ...words], { env: secrets })).status, "done");
  const passed = [
    "--env",
    "PGPASSWORD=correct-horse",
    "--",
    "sh",
    "-c",
    '[ "$PGPASSWORD" = "$DB_PASSWORD" ]',
  ];
  assert.equal((await runTask("run", passed, { env: secrets })).status, "done");
});

test("a command without a name is a configuration error", async () => {
  assert.equal((await run("--", "")).failure?.exitCode, 2);
  assert.equal((await run("--")).failure?.exitCode, 2);
  assert.equal((await run("--user", "a:b:c", "--", "true")).failure?.exitCode, 2);
});

test(
  "user runs the command as another user with no other groups",
  { skip: !isRoot && "needs root" },
  async () => {
    const script =
      "process.stdout.write(JSON.stringify([process.getuid(), process.getgid(), process.getgroups()]))";
    for (const [user, expected] of [
      ["65534:65533", [65534, 65533]],
      ["root", [0, 0]],
    ] as const) {
      const { stdout } = await initkit(["run", "--user", user, "--", node, "-e", script]);
      const [uid, gid, groups] = JSON.parse(stdout);
      assert.deepEqual([uid, gid], expected);
      assert.deepEqual(
        groups.filter((group: number) => group !== gid),
        [],
      );
    }
    assert.equal((await run("--user", "nobody-has-this-name", "--", "true")).failure?.exitCode, 24);
  },
);

test("user without root is 25 for good", { skip: isRoot && "root may" }, async () => {
  const { failure, attempts } = await run("--user", "0:0", "--retries", "1", "--", "true");
  assert.equal(failure?.exitCode, 25);
  assert.equal(attempts, 1);
});

test("a command leaves nothing behind in initkit", async () => {
  const before = process.listenerCount("exit");
  const { signal } = new AbortController();
  for (const script of ["exit 0", "exit 1"])
    await runTask("run", ["--", "sh", "-c", script], { env, signal });
  assert.equal(process.listenerCount("exit"), before);
});
