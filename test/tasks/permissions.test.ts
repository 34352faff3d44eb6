import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, lchownSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Failure } from "../../src/failure.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { changeTimesIn, giveTo, makeTree, modesIn, ownersIn, temporaryFolder } from "../helpers/tree.ts";

const isRoot = process.getuid!() === 0;
const asRoot = { skip: !isRoot && "only root may give files away" };
/** Somebody who owns what he changes, and nothing else. */
const user = isRoot ? 65534 : process.getuid!();

const permissions = (...words: string[]): Promise<TaskRun> => runTask("permissions", words);

async function assertStatus(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await permissions(...words);
  assert.equal(run.status, status, run.failure?.message ?? "no failure");
  return run;
}

const modeOf = (...parts: string[]): string => (lstatSync(join(...parts)).mode & 0o7777).toString(8);

test("permissions gives every file and folder its mode, and says how many were changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o600, "a/c": 0o700, "a/": 0o700, d: 0o640 });
  chmodSync(folder.path, 0o700);
  const run = await assertStatus("done", folder.path, "--mode", "u=rwX,g=rX,o=");
  assert.deepEqual(modesIn(folder.path), { ".": "750", a: "750", "a/b": "640", "a/c": "750", d: "640" });
  assert.deepEqual(run.report, { entries: 5, changed: 4 });
});

test("permissions writes nothing where everything is as it should be", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o600, c: 0o755, "link -> a": 0 });
  const words = [folder.path, "--mode", "ug=rwX,o=", ...(isRoot ? ["--owner", "1000:1000"] : [])];
  await assertStatus("done", ...words);
  const before = changeTimesIn(folder.path);
  const run = await assertStatus("unchanged", ...words);
  assert.deepEqual(changeTimesIn(folder.path), before);
  assert.deepEqual(run.report, { entries: 5, changed: 0 });
});

test("permissions touches only what differs", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: 0o644, b: 0o600 });
  chmodSync(folder.path, 0o755);
  const before = changeTimesIn(folder.path);
  await assertStatus("done", folder.path, "--mode", "u=rwX,go=rX");
  const { b, ...others } = changeTimesIn(folder.path);
  assert.notEqual(b, before["b"]);
  assert.deepEqual({ ...others, b: before["b"] }, before);
});

test("permissions takes modes for folders and for files apart", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o777 });
  await assertStatus("done", folder.path, "--dir-mode", "2775", "--file-mode", "0664");
  assert.deepEqual(modesIn(folder.path), { ".": "2775", a: "2775", "a/b": "664" });
  await assertStatus("done", folder.path, "--mode", "0750", "--file-mode", "640");
  assert.deepEqual(modesIn(folder.path), { ".": "2750", a: "2750", "a/b": "640" });
});

test("permissions never follows a link, nor changes what it leads to", async () => {
  using folder = temporaryFolder();
  using outside = temporaryFolder();
  makeTree(outside.path, { "d/secret": 0o600 });
  makeTree(folder.path, {
    a: 0o600,
    [`link -> ${outside.path}`]: 0,
    [`file -> ${outside.path}/d/secret`]: 0,
    "dangling -> none": 0,
  });
  const before = changeTimesIn(outside.path);
  const words = isRoot ? ["--owner", "1000:1000"] : [];
  const run = await assertStatus("done", folder.path, "--mode", "a=rX", ...words);
  assert.deepEqual(changeTimesIn(outside.path), before);
  assert.equal(run.report["entries"], 5);
  if (isRoot)
    for (const name of ["link", "file", "dangling"])
      assert.equal(lstatSync(join(folder.path, name)).uid, 1000);
  chmodSync(folder.path, 0o700);
});

test("a PATH that is a link, is not there, or matches nothing is 24, and nothing is changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "real/a": 0o600, "link -> real": 0, "dangling -> none": 0 });
  const before = changeTimesIn(folder.path);
  for (const name of ["link", "link/", "dangling", "none", "none*", "real/a/b"]) {
    const run = await assertStatus("failed", join(folder.path, name), "--mode", "777");
    assert.equal(run.failure?.exitCode, 24, name);
  }
  assert.deepEqual(changeTimesIn(folder.path), before);
});

test("a PATH may hold wildcards", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a1/x": 0o600, "a2/x": 0o600, "b/x": 0o600, "a3 -> b": 0, ".a4": 0o600 });
  await assertStatus("done", `${folder.path}/a*`, "--mode", "u=rwX,g=rX,o=");
  const { "a1/x": a1, "a2/x": a2, "b/x": b, ".a4": a4 } = modesIn(folder.path);
  assert.deepEqual([a1, a2, b, a4], ["640", "640", "600", "600"]);
});

test("several PATHs are all changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/x": 0o600, b: 0o600, c: 0o600 });
  const run = await assertStatus(
    "done",
    join(folder.path, "a"),
    join(folder.path, "b"),
    "--file-mode",
    "640",
  );
  assert.deepEqual(run.report, { entries: 3, changed: 2 });
  assert.equal(modeOf(folder.path, "c"), "600");
});

test("contents leaves PATH itself alone, no-recursive leaves its contents alone", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o600, c: 0o600, "a/": 0o700 });
  chmodSync(folder.path, 0o700);
  await assertStatus("done", folder.path, "--mode", "g+r", "--no-recursive");
  assert.deepEqual(modesIn(folder.path), { ".": "740", a: "700", "a/b": "600", c: "600" });
  await assertStatus("done", folder.path, "--mode", "o+r", "--contents", "--no-recursive");
  assert.deepEqual(modesIn(folder.path), { ".": "740", a: "704", "a/b": "600", c: "604" });
  await assertStatus("done", folder.path, "--mode", "u+x", "--contents");
  assert.deepEqual(modesIn(folder.path), { ".": "740", a: "704", "a/b": "700", c: "704" });
});

test("contents of a file are 24", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: 0o600 });
  const run = await assertStatus("failed", join(folder.path, "a"), "--mode", "640", "--contents");
  assert.equal(run.failure?.exitCode, 24);
  assert.equal(modeOf(folder.path, "a"), "600");
});

test("exclude leaves names alone with what is below them, relative to PATH", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, {
    "a/keep/x": 0o600,
    "a/b": 0o600,
    "keep/y": 0o600,
    "c/d.log": 0o600,
    "c/e": 0o600,
    "f/g": 0o600,
  });
  await assertStatus(
    "done",
    folder.path,
    "--file-mode",
    "640",
    "--exclude",
    "keep",
    "--exclude",
    "*.log",
    "--exclude",
    "/f/g",
  );
  const changed = Object.entries(modesIn(folder.path)).filter(([, mode]) => mode === "640");
  assert.deepEqual(
    changed.map(([path]) => path),
    ["a/b", "c/e"],
  );
});

test("exclude also leaves out what a wildcard in PATH has found", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/x": 0o600, "b/x": 0o600, "c/x": 0o600, "c/y": 0o600 });
  await assertStatus("done", `${folder.path}/*`, "--file-mode", "640", "--exclude", "b", "--exclude", "c/x");
  const changed = Object.entries(modesIn(folder.path)).filter(([, mode]) => mode === "640");
  assert.deepEqual(
    changed.map(([path]) => path),
    ["a/x", "c/y"],
  );
});

test("lost+found and .snapshot at the top are left alone unless they are named", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "lost+found/x": 0o600, ".snapshot/x": 0o600, "a/lost+found/x": 0o600, b: 0o600 });
  await assertStatus("done", folder.path, "--file-mode", "640");
  await assertStatus("unchanged", `${folder.path}/*`, "--file-mode", "640");
  assert.equal(modeOf(folder.path, "a/lost+found/x"), "640");
  assert.equal(modeOf(folder.path, "lost+found/x"), "600");
  assert.equal(modeOf(folder.path, ".snapshot/x"), "600");
  await assertStatus(
    "done",
    join(folder.path, "lost+found"),
    join(folder.path, ".snapshot"),
    "--file-mode",
    "640",
  );
  assert.equal(modeOf(folder.path, "lost+found/x"), "640");
  assert.equal(modeOf(folder.path, ".snapshot/x"), "640");
});

test("a step that sets nothing, or something of the wrong form, is a configuration error", async () => {
  for (const words of [
    [],
    ["--contents"],
    ["--mode", "rwx"],
    ["--owner", "a:b:c"],
    ["--mode", "640", "--exclude", "../x"],
    ["--mode", "u=g,g=o"],
  ]) {
    const run = await assertStatus("rejected", "/tmp", ...words);
    assert.equal(run.failure?.exitCode, 2, words.join(" "));
  }
});

test("an unknown user or group name is 24", async () => {
  for (const owner of ["nobody-has-this-name", ":nobody-has-this-name"]) {
    const run = await assertStatus("failed", "/tmp", "--owner", owner);
    assert.equal(run.failure?.exitCode, 24);
  }
});

test("names with newlines, quotes and bytes that are no UTF-8 are changed like others", async () => {
  using folder = temporaryFolder();
  for (const name of [Buffer.from("a\nb"), Buffer.from("'\" $(x)"), Buffer.from([0xff, 0xfe, 0x2f, 0xfd])]) {
    const path = Buffer.concat([Buffer.from(`${folder.path}/`), name]);
    if (name.includes(0x2f)) mkdirSync(path.subarray(0, path.lastIndexOf(0x2f)));
    writeFileSync(path, "", { mode: 0o600 });
  }
  const run = await assertStatus("done", `${folder.path}/*`, "--file-mode", "0644");
  assert.equal(run.report["changed"], 3);
  await assertStatus("unchanged", folder.path, "--file-mode", "0644");
});

test("taking away x from folders does not lock permissions out, nor does giving it back", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "t/a/b/c": 0o600, "t/a/d": 0o600 });
  if (isRoot) giveTo(folder.path, user, user);
  const tree = join(folder.path, "t");
  const closed = await initkit(["permissions", tree, "--mode", "a=r"], { uid: user });
  assert.equal(closed.exitCode, 0, closed.stderr);
  chmodSync(tree, 0o500);
  assert.equal(modeOf(tree, "a"), "444");
  const opened = await initkit(["permissions", tree, "--mode", "u=rwX,go="], { uid: user });
  assert.equal(opened.exitCode, 0, opened.stderr);
  assert.deepEqual(modesIn(tree), { ".": "700", a: "700", "a/b": "700", "a/b/c": "600", "a/d": "600" });
});

test("a file that nobody may read can be given a mode by its owner", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "t/a": 0o000, "t/b/c": 0o000, "t/b/": 0o000 });
  if (isRoot) giveTo(folder.path, user, user);
  const { exitCode, stderr } = await initkit(["permissions", join(folder.path, "t"), "--mode", "u=rwX"], {
    uid: user,
  });
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(modesIn(join(folder.path, "t")), { ".": "755", a: "600", b: "700", "b/c": "600" });
});

test("what is refused is 24 in one failure that names it, and the rest is changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "t/a": 0o600, "t/b\n": 0o600, "t/c": 0o600 });
  if (isRoot) giveTo(folder.path, user, user);
  if (isRoot) lchownSync(join(folder.path, "t/c"), 0, 0);
  const words = isRoot ? ["--file-mode", "640"] : ["--owner", "0", "--file-mode", "640"];
  const { exitCode, events } = await initkit(["permissions", join(folder.path, "t"), ...words], {
    uid: user,
  });
  const { error } = events.findLast(({ event }) => event === "step.failed")!;
  assert.equal(exitCode, 24);
  assert.equal(error.code, "access");
  assert.match(error.message, isRoot ? /1 of 4 entries.*\/t\/c"/ : /4 of 4 entries.*b\\n"/);
  assert.match(error.hint, /fsGroup/);
  if (isRoot) assert.equal(modeOf(folder.path, "t/b\n"), "640");
});

test("a folder that may not be read is 24, and what is beside it is changed", async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "t/closed/x": 0o600, "t/open/x": 0o600 });
  if (isRoot) giveTo(folder.path, user, user);
  const words = ["permissions", join(folder.path, "t"), "--file-mode", "640", "--dir-mode", "0700"];
  if (isRoot) giveTo(join(folder.path, "t/closed"), 0, 0);
  chmodSync(join(folder.path, "t/closed"), 0o700);
  const { exitCode } = await initkit(isRoot ? words : [...words, "--exclude", "closed"], { uid: user });
  assert.equal(exitCode, isRoot ? 24 : 0);
  assert.equal(modeOf(folder.path, "t/open/x"), "640");
  assert.equal(modeOf(folder.path, "t/closed/x"), "600");
});

test("permissions gives files to their owner, by number", asRoot, async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o600, "link -> a": 0 });
  await assertStatus("done", folder.path, "--owner", "1000:2000");
  assert.deepEqual(new Set(Object.values(ownersIn(folder.path))), new Set(["1000:2000"]));
  await assertStatus("done", folder.path, "--owner", ":3000");
  assert.deepEqual(new Set(Object.values(ownersIn(folder.path))), new Set(["1000:3000"]));
  await assertStatus("done", folder.path, "--owner", "4294967294");
  assert.deepEqual(new Set(Object.values(ownersIn(folder.path))), new Set(["4294967294:3000"]));
  await assertStatus("done", folder.path, "--owner", "root:root");
  assert.deepEqual(new Set(Object.values(ownersIn(folder.path))), new Set(["0:0"]));
});

test("set-id bits stay, but for one that would lend the rights of a new owner", asRoot, async () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { program: 0o6755, "d/": 0o2775 });
  await assertStatus("done", folder.path, "--owner", ":1000");
  assert.equal(modeOf(folder.path, "program"), "4755");
  assert.equal(modeOf(folder.path, "d"), "2775");
  await assertStatus("done", folder.path, "--owner", "1000");
  assert.equal(modeOf(folder.path, "program"), "755");
  await assertStatus(
    "done",
    folder.path,
    "--owner",
    "1001:1001",
    "--file-mode",
    "u=rwxs,go=rx",
    "--dir-mode",
    "0770",
  );
  assert.equal(modeOf(folder.path, "program"), "4755");
  assert.equal(modeOf(folder.path, "d"), "2770");
  await assertStatus(
    "unchanged",
    folder.path,
    "--owner",
    "1001:1001",
    "--file-mode",
    "u=rwxs,go=rx",
    "--dir-mode",
    "0770",
  );
});

/** Mounts a small file system, or says why that cannot be. */
function mountAt(path: string): (Disposable & { remount(options: string): void }) | undefined {
  try {
    mkdirSync(path);
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return {
    remount: (options) => void execFileSync("mount", ["-o", `remount,${options}`, path]),
    [Symbol.dispose]: () => void execFileSync("umount", [path]),
  };
}

test("same-filesystem leaves mounts alone", asRoot, async (context) => {
  using folder = temporaryFolder();
  using mounted = mountAt(join(folder.path, "mount"));
  if (!mounted) return context.skip("mounting is not allowed here");
  makeTree(folder.path, { "mount/x": 0o600, "a/x": 0o600 });
  await assertStatus("done", folder.path, "--file-mode", "640", "--dir-mode", "711", "--same-filesystem");
  const { a, "a/x": inside, mount, "mount/x": beyond } = modesIn(folder.path);
  assert.deepEqual([a, inside, mount, beyond], ["711", "640", "1777", "600"]);
  await assertStatus("done", folder.path, "--file-mode", "640", "--dir-mode", "711");
  assert.equal(modeOf(folder.path, "mount/x"), "640");
});

test("a read-only mount is 24 and says so, and the rest is changed", asRoot, async (context) => {
  using folder = temporaryFolder();
  using mounted = mountAt(join(folder.path, "mount"));
  if (!mounted) return context.skip("mounting is not allowed here");
  makeTree(folder.path, { "mount/x": 0o600, a: 0o600, z: 0o600 });
  mounted.remount("ro");
  const { failure, report } = await assertStatus("failed", folder.path, "--file-mode", "640");
  assert.equal(failure?.exitCode, 24);
  assert.deepEqual(report, { entries: 5, changed: 2, refused: 1 });
  assert.match(`${failure.message} ${failure.hint}`, /EROFS.*mount\/x.*readOnly/);
  assert.deepEqual([modeOf(folder.path, "a"), modeOf(folder.path, "z")], ["640", "640"]);
});

test("somebody who swaps folders for links gets nothing outside changed", async () => {
  using folder = temporaryFolder();
  using outside = temporaryFolder();
  const swapped = join(folder.path, "a/swap");
  for (const root of [swapped, outside.path]) {
    mkdirSync(join(root, "deep"), { recursive: true });
    for (let index = 0; index < 100; index++) writeFileSync(join(root, `x${index}`), "", { mode: 0o600 });
    writeFileSync(join(root, "deep/y"), "", { mode: 0o600 });
  }
  const before = changeTimesIn(outside.path);
  const swapper = new Worker(new URL("../helpers/swapper.ts", import.meta.url), {
    workerData: { folder: swapped, target: outside.path },
  });
  await once(swapper, "message");
  for (let round = 0; round < 100; round++) {
    const path = round % 2 ? folder.path : `${folder.path}/*/*/*`;
    const { failure } = await permissions(path, "--mode", round % 3 ? "u=rwX,go=" : "u=rwX,go=rX");
    assert.ok(!failure || failure.code === "access", failure?.message ?? "no failure");
  }
  await swapper.terminate();
  assert.deepEqual(changeTimesIn(outside.path), before);
});

test("permissions stops soon after it is told to, and leaves no file open", async () => {
  using folder = temporaryFolder();
  for (let index = 0; index < 1000; index++)
    writeFileSync(join(folder.path, `${index}`), "", { mode: 0o600 });
  const before = readdirSync("/proc/self/fd").length;
  const controller = new AbortController();
  const reason = new Failure("signal", "told to stop", { signal: 15 });
  setImmediate(() => controller.abort(reason));
  const run = await runTask("permissions", [folder.path, "--file-mode", "640"], {
    signal: controller.signal,
  });
  assert.equal(run.failure, reason);
  assert.equal(readdirSync("/proc/self/fd").length, before);
  const changed = Object.values(modesIn(folder.path)).filter((mode) => mode === "640").length;
  assert.ok(changed < 1000, `${changed} changed`);
});

test("permissions that was killed at any point ends in the same state when it runs again", async () => {
  using folder = temporaryFolder();
  for (let index = 0; index < 3000; index++) {
    if (index % 100 === 0) mkdirSync(join(folder.path, `${index / 100}`));
    writeFileSync(join(folder.path, `${Math.floor(index / 100)}`, `${index}`), "", { mode: 0o600 });
  }
  const words = ["permissions", folder.path, "--mode", "u=rwX,g=rX,o="];
  const child = spawn(process.execPath, [entry, ...words], { stdio: "ignore" });
  const ended = once(child, "exit");
  while (
    child.exitCode === null &&
    !readdirSync(folder.path).some((name) => modeOf(folder.path, name) === "750")
  ) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  child.kill("SIGKILL");
  await ended;
  assert.equal(child.signalCode, "SIGKILL");
  await assertStatus("done", ...words.slice(1));
  const modes = Object.entries(modesIn(folder.path));
  assert.ok(modes.every(([path, mode]) => mode === (/\/|^$/.test(path) ? "640" : "750")));
  await assertStatus("unchanged", ...words.slice(1));
});
