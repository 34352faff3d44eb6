import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { Failure } from "../../src/failure.ts";
import { fill, mountConfigMap } from "../helpers/config-map.ts";
import { entry } from "../helpers/initkit.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";
import { changeTimesIn, makeTree, ownersIn, temporaryFolder } from "../helpers/tree.ts";

const isRoot = process.getuid!() === 0;
const reads = (path: string): string => readFileSync(path, "utf8");
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

async function copy(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("copy", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

/** Fails with 24, with a hint and a message that says this. */
async function refused(says: RegExp, ...words: string[]): Promise<void> {
  const { failure } = await copy("failed", ...words);
  assert.equal(failure?.exitCode, 24);
  assert.match(failure.message, says);
  assert.ok(failure.hint);
}

test("a ConfigMap mount is copied as files, without what kubelet keeps in it for itself", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "mount"), join(folder, "a/b")];
  mountConfigMap(from, { "app.conf": "x=1\n", "sub/more.conf": "y=2\n" });
  const { report } = await copy("done", from, to);
  assert.deepEqual(readdirSync(to).toSorted(), ["app.conf", "sub"]);
  assert.ok(lstatSync(join(to, "app.conf")).isFile());
  assert.equal(reads(join(to, "sub/more.conf")), "y=2\n");
  assert.deepEqual([report["files"], report["bytes"]], [2, 8]);
  await copy("done", from, join(folder, "links"), "--keep-links");
  assert.ok(lstatSync(join(folder, "links/app.conf")).isFile());
});

test("a copy that is there is unchanged, and nothing of it is touched", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  fill(from, { "a/b/file": "1", "c/other": "22" });
  mkdirSync(join(from, "empty"));
  await copy("done", from, to);
  const before = changeTimesIn(to);
  const { report } = await copy("unchanged", from, to);
  assert.deepEqual(changeTimesIn(to), before);
  assert.deepEqual([report["files"], report["bytes"], report["changed"]], [2, 3, 0]);
});

test("only what differs is written, and what else is in the folder stays", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  fill(from, { "a/one": "1", "a/two": "2", three: "3" });
  await copy("done", from, to);
  fill(to, { "a/one": "X", "a/mine": "mine" });
  const before = changeTimesIn(to);
  const { report } = await copy("done", from, to);
  assert.equal(report["changed"], 1);
  assert.equal(reads(join(to, "a/one")), "1");
  assert.equal(reads(join(to, "a/mine")), "mine");
  for (const name of ["a/two", "three"]) assert.equal(changeTimesIn(to)[name], before[name], name);
});

test("modes and times are those of the source, set-id bits are not, and mode overrides", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  makeTree(from, { "bin/tool": 0o4755, "bin/": 0o750, key: 0o400 });
  utimesSync(join(from, "key"), 1_000_000, 1_000_000);
  await copy("done", from, to);
  assert.deepEqual(
    ["bin", "bin/tool", "key"].map((name) => modeOf(join(to, name))),
    [0o750, 0o755, 0o400],
  );
  assert.equal(statSync(join(to, "key")).mtimeMs, 1_000_000_000);
  chmodSync(join(to, "key"), 0o644);
  chmodSync(join(to, "bin"), 0o700);
  assert.equal((await copy("done", from, to)).report["changed"], 2);
  await copy("unchanged", from, to);
  await copy("done", from, to, "--mode", "0640");
  assert.deepEqual(
    ["bin", "bin/tool", "key"].map((name) => modeOf(join(to, name))),
    [0o750, 0o640, 0o640],
  );
  await copy("unchanged", from, to, "--mode", "0640");
});

test("a folder that everybody may write into keeps its sticky bit", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  makeTree(from, { "tmp/": 0o1777 });
  await copy("done", from, to);
  assert.equal(modeOf(join(to, "tmp")), 0o1777);
  await copy("unchanged", from, to);
});

test("one file gets the name of the destination, unless that is a folder or ends in a slash", async (t) => {
  const folder = temporary(t);
  fill(folder, { "a.conf": "a" });
  mkdirSync(join(folder, "there"));
  for (const to of ["new/b.conf", "there", "slash/"])
    await copy("done", join(folder, "a.conf"), join(folder, to));
  for (const path of ["new/b.conf", "there/a.conf", "slash/a.conf"])
    assert.equal(reads(join(folder, path)), "a");
  await copy("done", join(folder, "a.conf"), join(folder, "p/q"), "--mode", "0600");
  assert.equal(modeOf(join(folder, "p/q")), 0o600);
  assert.equal(modeOf(join(folder, "p")), modeOf(join(folder, "new")));
  await refused(/not a folder/, join(folder, "a.conf"), join(folder, "new/b.conf/"));
});

test("several sources and what wildcards find land by name, the last of one name wins", async (t) => {
  const folder = temporary(t);
  const to = join(folder, "to");
  fill(folder, { "one/x": "1", "one/d/y": "1", "two/x": "2", "two/d/z": "2", "three/only/f": "3" });
  await copy("done", join(folder, "one/*"), join(folder, "two/*"), to);
  assert.equal(reads(join(to, "x")), "2");
  assert.deepEqual(readdirSync(join(to, "d")).toSorted(), ["y", "z"]);
  await copy("unchanged", join(folder, "one/*"), join(folder, "two/*"), to);
  fill(to, { x: "1" });
  await copy("done", join(folder, "one/*"), join(folder, "two/*"), to);
  assert.equal(reads(join(to, "x")), "2");
  await copy("done", join(folder, "three/*"), join(folder, "by-name"));
  assert.equal(reads(join(folder, "by-name/only/f")), "3");
});

test("two sources that have a folder and a file of one name are refused, whichever comes first", async (t) => {
  const folder = temporary(t);
  fill(folder, { "one/x": "1", "two/x/y": "2" });
  for (const [first, second] of [
    ["one", "two"],
    ["two", "one"],
  ]) {
    await refused(
      /both a folder and a file/,
      ...[first!, second!].map((name) => join(folder, name, "x")),
      join(folder, "to"),
    );
  }
  assert.deepEqual(readdirSync(folder).toSorted(), ["one", "two"]);
});

test("what is not there is 24, and leaves no parents behind", async (t) => {
  const folder = temporary(t);
  await refused(/matches nothing/, join(folder, "*.conf"), join(folder, "a/b"));
  await refused(/missing.*no such file/, join(folder, "missing"), join(folder, "a/b"));
  assert.deepEqual(readdirSync(folder), []);
});

test("include and exclude choose by paths below the source, and must leave something", async (t) => {
  const folder = temporary(t);
  const from = join(folder, "from");
  fill(from, { "a/x.conf": "", "a/x.log": "", "b/y.log": "", "c/x.conf": "", "top.conf": "" });
  symlinkSync("/nowhere", join(from, "b/broken"));
  await copy("done", from, join(folder, "to"), "--include", "*.conf", "--exclude", "c");
  const found = readdirSync(join(folder, "to"), { recursive: true, encoding: "utf8" }).toSorted();
  assert.deepEqual(found, ["a", "a/x.conf", "top.conf"]);
  await copy("unchanged", from, join(folder, "to"), "--include", "*.conf", "--exclude", "c");
  await refused(/leave nothing/, from, join(folder, "none"), "--include", "*.cnf", "--exclude", "b");
  await copy("done", join(from, "*"), join(folder, "by-name"), "--exclude", "b");
  assert.deepEqual(readdirSync(join(folder, "by-name")).toSorted(), ["a", "c", "top.conf"]);
});

test("no-overwrite leaves alone what is there, and brings what is not", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  fill(from, { "d/a": "new", "d/b": "new" });
  fill(to, { "d/a": "mine" });
  chmodSync(join(to, "d"), 0o700);
  await copy("done", from, to, "--no-overwrite");
  assert.deepEqual([reads(join(to, "d/a")), reads(join(to, "d/b"))], ["mine", "new"]);
  assert.equal(modeOf(join(to, "d")), 0o700);
  await copy("unchanged", from, to, "--no-overwrite");
});

test("keep-links copies links as they are, broken ones too", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  makeTree(from, { file: 0o644, "link -> file": 0, "broken -> /nowhere": 0, "circle -> .": 0 });
  await copy("done", from, to, "--keep-links");
  assert.deepEqual(
    ["link", "broken", "circle"].map((name) => readlinkSync(join(to, name))),
    ["file", "/nowhere", "."],
  );
  await copy("unchanged", from, to, "--keep-links");
  unlinkSync(join(to, "link"));
  symlinkSync("other", join(to, "link"));
  assert.equal((await copy("done", from, to, "--keep-links")).report["changed"], 1);
});

test("links that lead nowhere or back are told, and so are files that are none", async (t) => {
  const folder = temporary(t);
  const to = join(folder, "to");
  makeTree(folder, { "broken/link -> ../nowhere": 0, "self/link -> link": 0, "back/a/link -> ../..": 0 });
  makeTree(folder, { "circle/a/link -> ..": 0, "fifo/": 0o755 });
  execFileSync("mkfifo", [join(folder, "fifo/pipe")]);
  await refused(/broken\/link.*leads nowhere/, join(folder, "broken"), to);
  await refused(/self\/link.*leads nowhere/, join(folder, "self"), to);
  await refused(/circle\/a\/link.*leads back/, join(folder, "circle"), to);
  await refused(/into itself/, join(folder, "back"), to);
  await refused(/a named pipe/, join(folder, "fifo"), to);
  await refused(/a named pipe/, join(folder, "fifo/pipe"), to);
  await refused(/a device/, "/dev/null", to);
  assert.equal(lstatSync(to, { throwIfNoEntry: false }), undefined);
});

test("a folder is never copied into itself, however it is written", async (t) => {
  const folder = temporary(t);
  fill(folder, { "from/a/x": "" });
  symlinkSync("from", join(folder, "link"));
  for (const to of ["from", "from/new/deep", "from/a", "link/new"]) {
    await refused(/into itself/, join(folder, "from"), join(folder, to));
  }
  await refused(/into itself/, join(folder, "from/*"), join(folder, "from/a"));
  assert.deepEqual(readdirSync(join(folder, "from"), { recursive: true, encoding: "utf8" }).toSorted(), [
    "a",
    "a/x",
  ]);
  await copy("done", join(folder, "from/a"), join(folder, "from"));
  fill(folder, { "from/b": "" });
  await copy("done", join(folder, "from/*"), join(folder, "from/a"), "--exclude", "a");
  assert.ok(lstatSync(join(folder, "from/a/b")).isFile());
});

test("no link at the destination is followed: one for a file is replaced, one for a folder is in the way", async (t) => {
  const folder = temporary(t);
  fill(folder, { "from/file": "new", "from2/d/file": "new", "outside/file": "outside" });
  makeTree(folder, { "to/file -> ../outside/file": 0, "to2/d -> ../outside": 0 });
  await copy("done", join(folder, "from"), join(folder, "to"));
  assert.ok(lstatSync(join(folder, "to/file")).isFile());
  await refused(/a link is there/, join(folder, "from2"), join(folder, "to2"));
  assert.equal(reads(join(folder, "outside/file")), "outside");
  await copy("done", join(folder, "from/file"), join(folder, "to2"));
});

test("a file where a folder must be, and the other way round, leaves everything as it was", async (t) => {
  const folder = temporary(t);
  fill(folder, { "from/a": "new", "from/z/x": "", "to/z": "file", "to/a": "old" });
  await refused(/a file is there/, join(folder, "from"), join(folder, "to"));
  assert.equal(reads(join(folder, "to/a")), "old");
  fill(folder, { "to2/a/x": "" });
  await refused(/a folder is there/, join(folder, "from"), join(folder, "to2"));
  assert.deepEqual(debris(folder), []);
});

test("nothing is written through a link that somebody swaps in meanwhile", async (t) => {
  const folder = temporary(t);
  const names = Array.from({ length: 100 }, (_, index) => [`dir/f${index}`, "new"]);
  fill(join(folder, "from"), Object.fromEntries(names));
  mkdirSync(join(folder, "outside"));
  for (let round = 0; round < 5; round++) {
    mkdirSync(join(folder, "to/dir"), { recursive: true });
    const swapper = new Worker(new URL("../helpers/swapper.ts", import.meta.url), {
      workerData: { folder: join(folder, "to/dir"), target: join(folder, "outside") },
    });
    swapper.on("error", () => {});
    await once(swapper, "message");
    await runTask("copy", [join(folder, "from"), join(folder, "to")]);
    await swapper.terminate();
    assert.deepEqual(readdirSync(join(folder, "outside")), []);
    rmSync(join(folder, "to"), { recursive: true });
  }
});

test(
  "owner is set, and without it files belong to the user that copies",
  { skip: !isRoot && "only root may give files away" },
  async (t) => {
    const folder = temporary(t);
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    fill(from, { "d/file": "x" });
    for (const name of ["", "d", "d/file"]) chownSync(join(from, name), 1234, 1234);
    await copy("done", from, to);
    assert.equal(ownersIn(to)["d/file"], "0:0");
    await copy("done", from, to, "--owner", "1000:2000");
    assert.deepEqual([ownersIn(to)["d"], ownersIn(to)["d/file"]], ["1000:2000", "1000:2000"]);
    await copy("unchanged", from, to, "--owner", "1000:2000");
    await copy("done", from, join(folder, "new"), "--owner", "1000");
    assert.equal(ownersIn(join(folder, "new"))["."], "1000:0");
  },
);

test(
  "a source on a volume that is mounted read-only, and another file system, are no obstacle",
  { skip: !isRoot && "only root may mount" },
  async (t) => {
    const folder = temporary(t);
    const [from, to] = [join(folder, "from"), join(folder, "to")];
    mkdirSync(from);
    execFileSync("mount", ["-t", "tmpfs", "none", from]);
    try {
      fill(from, { "d/big": "x".repeat(3_000_000) });
      execFileSync("mount", ["-o", "remount,ro", from]);
      await copy("done", from, to);
      await copy("unchanged", from, to);
      assert.equal(statSync(join(to, "d/big")).size, 3_000_000);
    } finally {
      execFileSync("umount", [from]);
    }
  },
);

test(
  "a folder that may not be read is 24 with what would allow it",
  { skip: isRoot && "root may" },
  async () => {
    using folder = temporaryFolder();
    const at = (name: string) => join(folder.path, name);
    makeTree(folder.path, { "from/d/x": 0o644, "from/d/": 0o000, file: 0o000 });
    await refused(/cannot read.*permission denied/, at("from"), at("to"));
    await refused(/cannot read.*permission denied/, at("file"), at("to"));
  },
);

test("a name that is not UTF-8 is told, and can be left out", async (t) => {
  const folder = temporary(t);
  fill(folder, { "from/good": "" });
  writeFileSync(Buffer.concat([Buffer.from(join(folder, "from/bad")), Buffer.from([0xff])]), "");
  await refused(/not UTF-8/, join(folder, "from"), join(folder, "to"));
  await copy("done", join(folder, "from"), join(folder, "to"), "--exclude", "bad?");
});

test("copy killed at any moment is made good by the next one, and no reader sees half a file", async (t) => {
  const folder = temporary(t);
  const [from, to] = [join(folder, "from"), join(folder, "to")];
  const content = "0123456789".repeat(100_000);
  fill(
    from,
    Object.fromEntries(Array.from({ length: 30 }, (_, index) => [`d${index % 3}/f${index}`, content])),
  );
  fill(to, { "d0/f0": "old", "d1/mine": "mine" });
  for (const delay of [60, 90, 120, 150, 180]) {
    const child = spawn(process.execPath, [entry, "copy", from, to], { stdio: "ignore" });
    setTimeout(() => child.kill("SIGKILL"), delay);
    await once(child, "exit");
    for (const name of readdirSync(join(to, "d0"))) {
      assert.ok([3, content.length].includes(statSync(join(to, "d0", name)).size));
    }
  }
  assert.equal((await runTask("copy", [from, to])).failure, undefined);
  rmSync(join(to, "d1/mine"));
  assert.deepEqual(snapshot(to), snapshot(from));
  assert.deepEqual(debris(folder), []);
  await copy("unchanged", from, to);
});

test("a signal ends a copy soon, and leaves nothing of it", async (t) => {
  const folder = temporary(t);
  fill(folder, { "from/big": "" });
  truncateSync(join(folder, "from/big"), 4_000_000_000);
  const abort = new AbortController();
  setTimeout(() => abort.abort(new Failure("signal", "ended", { signal: 15 })), 20);
  const { failure } = await runTask("copy", [join(folder, "from"), join(folder, "to")], {
    signal: abort.signal,
  });
  assert.equal(failure?.exitCode, 143);
  assert.deepEqual(readdirSync(folder), ["from"]);
});
