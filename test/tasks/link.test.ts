import assert from "node:assert/strict";
import { lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

async function link(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("link", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

test("link makes a link with its parents, to something that need not be there", async (t) => {
  const folder = temporary(t);
  const path = join(folder, "a/current");
  await link("done", "../releases/2", path);
  assert.equal(readlinkSync(path), "../releases/2");
  const before = lstatSync(path);
  await link("unchanged", "../releases/2", path);
  assert.deepEqual(lstatSync(path), before);
});

test("a link that is there is turned in one step, one to a folder too", async (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, "old"));
  symlinkSync("old", join(folder, "current"));
  await link("done", "new", join(folder, "current/"));
  assert.equal(readlinkSync(join(folder, "current")), "new");
  assert.deepEqual(debris(folder), []);
});

test("a file or folder is never replaced by a link", async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, "file"), "kept");
  mkdirSync(join(folder, "folder"));
  for (const name of ["file", "folder"]) {
    assert.equal((await link("failed", "x", join(folder, name))).failure?.exitCode, 24);
    assert.ok(!lstatSync(join(folder, name)).isSymbolicLink());
  }
});
