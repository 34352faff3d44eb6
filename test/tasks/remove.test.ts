import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { remove as removeFound } from "../../src/files/remove.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";
import { makeTree } from "../helpers/tree.ts";

const isRoot = process.getuid!() === 0;

async function remove(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("remove", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

test("remove takes files, folders and links away, and what links lead to stays", async (t) => {
  const folder = temporary(t);
  makeTree(folder, {
    "a/b/c": 0o644,
    "a/d": 0o600,
    file: 0o644,
    "kept/x": 0o644,
    "a/link -> ../kept": 0,
    "to -> kept": 0,
  });
  const { report } = await remove("done", join(folder, "a"), join(folder, "file"), join(folder, "to/"));
  assert.deepEqual(readdirSync(folder), ["kept"]);
  assert.deepEqual(readdirSync(join(folder, "kept")), ["x"]);
  assert.equal(report["removed"], 7);
  await remove("unchanged", join(folder, "a"), join(folder, "file"), join(folder, "to"));
});

test("wildcards choose, and what does not match stays", async (t) => {
  const folder = temporary(t);
  makeTree(folder, { "a.log": 0o644, "b.log": 0o644, "c.txt": 0o644 });
  await remove("done", join(folder, "*.log"));
  assert.deepEqual(readdirSync(folder), ["c.txt"]);
  await remove("unchanged", join(folder, "*.log"));
});

test("two wildcards empty a folder, hidden files and folders included, and it stays", async (t) => {
  const folder = temporary(t);
  makeTree(folder, { "volume/a/b": 0o644, "volume/.git/config": 0o644, "volume/..old": 0o644 });
  await remove("done", join(folder, "volume/*"), join(folder, "volume/.*"));
  assert.deepEqual(readdirSync(folder), ["volume"]);
  assert.deepEqual(readdirSync(join(folder, "volume")), []);
});

test("the root of the file system is never removed, however it is written", async (t) => {
  const folder = temporary(t);
  symlinkSync("/", join(folder, "root"));
  for (const path of ["/", "//"]) assert.equal((await remove("failed", path)).failure?.exitCode, 24, path);
  for (const path of ["/.", "/tmp/..", ".", `${folder}/../`]) await remove("rejected", path);
  await remove("done", join(folder, "root"));
  assert.ok(existsSync("/tmp"));
});

test(
  "a mount point, and a folder that holds one, are refused before anything is removed",
  { skip: !isRoot && "only root may mount" },
  async (t) => {
    const folder = temporary(t);
    mkdirSync(join(folder, "a/volume"), { recursive: true });
    writeFileSync(join(folder, "a/file"), "");
    execFileSync("mount", ["-t", "tmpfs", "none", join(folder, "a/volume")]);
    try {
      writeFileSync(join(folder, "a/volume/x"), "");
      for (const path of ["a", "a/volume"]) {
        assert.equal((await remove("failed", join(folder, path))).failure?.exitCode, 24);
      }
      for (const paths of [["a/*"], ["a/file", "a"], ["a/file", "a/volume"]]) {
        const words = paths.map((path) => join(folder, path));
        assert.equal((await remove("failed", ...words)).failure?.exitCode, 24);
      }
      assert.ok(existsSync(join(folder, "a/file")) && existsSync(join(folder, "a/volume/x")));
      await remove("done", join(folder, "a/volume/*"));
    } finally {
      execFileSync("umount", [join(folder, "a/volume")]);
    }
  },
);

test("paths of 4,000 bytes are removed", async (t) => {
  const folder = temporary(t);
  const script =
    "i=0; while [ $i -lt 340 ]; do mkdir dddddddddd && cd dddddddddd || exit 1; i=$((i+1)); done; echo x > file";
  mkdirSync(join(folder, "deep"));
  execFileSync("sh", ["-c", script], { cwd: join(folder, "deep") });
  await remove("done", join(folder, "deep"));
  assert.deepEqual(readdirSync(folder), []);
});

test("nothing is removed through a link that somebody swaps in meanwhile", async (t) => {
  const folder = temporary(t);
  const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
  const fill = (path: string) => {
    mkdirSync(path, { recursive: true });
    for (const name of names) writeFileSync(join(path, name), "");
  };
  fill(join(folder, "outside"));
  for (let round = 0; round < 10; round++) {
    rmSync(join(folder, "tree"), { recursive: true, force: true });
    fill(join(folder, "tree/dir"));
    const swapper = new Worker(new URL("../helpers/swapper.ts", import.meta.url), {
      workerData: { folder: join(folder, "tree/dir"), target: join(folder, "outside") },
    });
    swapper.on("error", () => {});
    await once(swapper, "message");
    await runTask("remove", [join(folder, "tree")]);
    await swapper.terminate();
    assert.equal(readdirSync(join(folder, "outside")).length, names.length);
  }
});

test("what wildcards have found is not removed through a link that came in between", async (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, "outside/empty"), { recursive: true });
  writeFileSync(join(folder, "outside/file"), "");
  symlinkSync("../outside", join(folder, "outside/loop"));
  mkdirSync(join(folder, "tree"));
  symlinkSync(join(folder, "outside"), join(folder, "tree/swapped"));
  for (const name of ["file", "empty", "loop", "none"]) {
    const found = { base: join(folder, "tree"), names: ["swapped", name].map((each) => Buffer.from(each)) };
    assert.equal(await removeFound(found, new AbortController().signal, () => {}), 0);
  }
  assert.deepEqual(readdirSync(join(folder, "outside")).toSorted(), ["empty", "file", "loop"]);
});

test("what may not be removed is told with what would allow it", { skip: isRoot && "root may" }, async () => {
  assert.equal((await remove("failed", "/etc/passwd")).failure?.exitCode, 24);
});
