import assert from "node:assert/strict";
import { chmodSync, lstatSync, mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

const isRoot = process.getuid!() === 0;

async function mkdir(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("mkdir", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

test("mkdir makes folders with their parents, and finds them the second time", async (t) => {
  const folder = temporary(t);
  const paths = [join(folder, "a/b/c"), join(folder, "d/")];
  await mkdir("done", ...paths);
  for (const path of paths) assert.ok(lstatSync(path).isDirectory());
  await mkdir("unchanged", ...paths);
});

test("mode is that of the last folder, and is put right where it differs", async (t) => {
  const folder = temporary(t);
  const path = join(folder, "a/b");
  await mkdir("done", path, "--mode", "2770");
  assert.equal(modeOf(path), 0o2770);
  assert.notEqual(modeOf(join(folder, "a")), 0o2770);
  await mkdir("unchanged", path, "--mode", "2770");
  chmodSync(path, 0o755);
  await mkdir("done", path, "--mode", "u=rwx,g=rx,o=");
  assert.equal(modeOf(path), 0o750);
});

test("a folder and one in it get a mode that closes the outer one", async (t) => {
  const folder = temporary(t);
  const paths = [join(folder, "a"), join(folder, "a/b")];
  await mkdir("done", ...paths, "--mode", "0600");
  assert.equal(modeOf(join(folder, "a")), 0o600);
  chmodSync(join(folder, "a"), 0o700);
  assert.equal(modeOf(join(folder, "a/b")), 0o600);
});

test(
  "owner is that of the last folder",
  { skip: !isRoot && "only root may give folders away" },
  async (t) => {
    const folder = temporary(t);
    await mkdir("done", join(folder, "a/b"), "--owner", "1234:5678");
    const { uid, gid } = statSync(join(folder, "a/b"));
    assert.deepEqual([uid, gid, statSync(join(folder, "a")).uid], [1234, 5678, 0]);
    await mkdir("unchanged", join(folder, "a/b"), "--owner", "1234:5678");
  },
);

test("a folder behind a link is there, but nothing is changed through the link", async (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, "real"), { mode: 0o700 });
  symlinkSync("real", join(folder, "link"));
  await mkdir("unchanged", join(folder, "link"));
  assert.equal((await mkdir("failed", join(folder, "link/"), "--mode", "0777")).failure?.exitCode, 24);
  assert.equal(modeOf(join(folder, "real")), 0o700);
});

test("a file in the way is told", async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, "file"), "");
  for (const path of ["file", "file/below"]) {
    assert.equal((await mkdir("failed", join(folder, path))).failure?.exitCode, 24);
  }
});
