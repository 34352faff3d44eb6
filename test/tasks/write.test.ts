import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { sameContent } from "../../src/files/same-content.ts";
import { entry } from "../helpers/initkit.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

async function write(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("write", words);
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

test("write makes a file with its parents, and finds it done the second time", async (t) => {
  const file = join(temporary(t), "a/b/app.conf");
  await write("done", file, "--content", "key = value\n");
  assert.equal(readFileSync(file, "utf8"), "key = value\n");
  const before = lstatSync(file);
  await write("unchanged", file, "--content", "key = value\n");
  assert.deepEqual(lstatSync(file), before);
  await write("done", file, "--content", "another\n");
  assert.equal(readFileSync(file, "utf8"), "another\n");
});

test("with neither content nor from it makes an empty file", async (t) => {
  const file = join(temporary(t), "ready");
  await write("done", file);
  assert.equal(readFileSync(file, "utf8"), "");
  await write("unchanged", file);
});

test("from joins files in order, whatever bytes they hold", async (t) => {
  const folder = temporary(t);
  const [ca, own, all] = ["ca", "own", "all"].map((name) => join(folder, name));
  writeFileSync(ca!, Buffer.from([0xff, 0, 10]));
  writeFileSync(own!, "own\n");
  await write("done", all!, "--from", ca!, "--from", own!);
  assert.deepEqual(readFileSync(all!), Buffer.from([0xff, 0, 10, ...Buffer.from("own\n")]));
  await write("unchanged", all!, "--from", ca!, "--from", own!);
});

test("append adds its text only where the file does not end so, and keeps owner and mode", async (t) => {
  const file = join(temporary(t), "hosts");
  writeFileSync(file, "127.0.0.1 localhost\n");
  chmodSync(file, 0o640);
  for (const status of ["done", "unchanged"] as const)
    await write(status, file, "--append", "--content", "10.0.0.1 db\n");
  assert.equal(readFileSync(file, "utf8"), "127.0.0.1 localhost\n10.0.0.1 db\n");
  assert.equal(statSync(file).mode & 0o7777, 0o640);
  await write("done", join(file, "../new"), "--append", "--content", "x");
});

test("base64 gives bytes that no text can hold", async (t) => {
  const file = join(temporary(t), "key");
  await write("done", file, "--base64", "--content", "/wD+\n");
  assert.deepEqual(readFileSync(file), Buffer.from([255, 0, 254]));
});

test("mode is set before the file is visible, and put right later", async (t) => {
  const file = join(temporary(t), "secret");
  await write("done", file, "--content", "x", "--mode", "0400");
  assert.equal(statSync(file).mode & 0o7777, 0o400);
  chmodSync(file, 0o644);
  await write("done", file, "--content", "x", "--mode", "0400");
  await write("unchanged", file, "--content", "x", "--mode", "0400");
});

test("no-overwrite leaves alone what is there", async (t) => {
  const file = join(temporary(t), "file");
  writeFileSync(file, "mine");
  await write("unchanged", file, "--content", "yours", "--no-overwrite");
  assert.equal(readFileSync(file, "utf8"), "mine");
});

test("a file that is so already is left alone with the folder that it is in", async (t) => {
  const folder = temporary(t);
  const [file, source] = [join(folder, "file"), join(folder, "source")];
  writeFileSync(source, "text");
  for (const words of [
    [file, "--content", "text"],
    [file, "--from", source],
    [file, "--content", "xt", "--append"],
  ]) {
    assert.equal((await runTask("write", words)).failure, undefined);
    const before = [statSync(folder).ctimeMs, statSync(file).ctimeMs];
    assert.equal((await runTask("write", words)).status, "unchanged");
    assert.deepEqual([statSync(folder).ctimeMs, statSync(file).ctimeMs], before);
  }
});

test("a link is replaced and not followed, a folder is in the way, and nothing is appended through a link", async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, "outside"), "outside");
  symlinkSync("outside", join(folder, "link"));
  assert.equal(
    (await write("failed", join(folder, "link"), "--append", "--content", "x")).failure?.exitCode,
    24,
  );
  await write("done", join(folder, "link"), "--content", "x");
  assert.equal(readFileSync(join(folder, "outside"), "utf8"), "outside");
  assert.ok(lstatSync(join(folder, "link")).isFile());
  mkdirSync(join(folder, "folder"));
  assert.equal((await write("failed", join(folder, "folder"), "--content", "x")).failure?.exitCode, 24);
});

test("a file that from names and that is missing leaves what was there, and no parents", async (t) => {
  const folder = temporary(t);
  writeFileSync(join(folder, "file"), "old");
  for (const file of ["file", "new/file"]) {
    const { failure } = await write("failed", join(folder, file), "--from", join(folder, "missing"));
    assert.equal(failure?.exitCode, 24);
  }
  assert.equal(readFileSync(join(folder, "file"), "utf8"), "old");
  assert.equal(lstatSync(join(folder, "new"), { throwIfNoEntry: false }), undefined);
});

test("options that contradict each other are a configuration error", async () => {
  for (const words of [
    ["--content", "x", "--from", "/y"],
    ["--append", "--no-overwrite"],
    ["--base64"],
    ["--base64", "--content", "?"],
  ]) {
    assert.equal((await write("rejected", "/nowhere/file", ...words)).failure?.exitCode, 2);
  }
});

test("a file is not joined with others into itself, where it would grow with each run", async (t) => {
  const folder = temporary(t);
  const [bundle, own] = [join(folder, "bundle"), join(folder, "own")];
  writeFileSync(bundle, "public");
  writeFileSync(own, "own");
  symlinkSync("bundle", join(folder, "link"));
  for (const itself of [bundle, join(folder, "link")]) {
    const { failure } = await write("failed", bundle, "--from", itself, "--from", own);
    assert.equal(failure?.exitCode, 24);
  }
  assert.equal(readFileSync(bundle, "utf8"), "public");
  await write("unchanged", bundle, "--from", bundle);
  for (const status of ["done", "unchanged"] as const) await write(status, bundle, "--append", "--from", own);
  assert.equal(readFileSync(bundle, "utf8"), "publicown");
});

test("a name that ends in a slash is that of a folder, and no file to write", async () => {
  assert.equal((await write("rejected", "/nowhere/folder/", "--content", "x")).failure?.exitCode, 2);
});

test("write killed at any moment is made good by the next one, and no reader sees half a file", async (t) => {
  const folder = temporary(t);
  const [big, file] = [join(folder, "big"), join(folder, "file")];
  const content = Buffer.alloc(20_000_000, "0123456789");
  writeFileSync(big, content);
  for (const delay of [60, 100, 140, 180]) {
    const child = spawn(process.execPath, [entry, "write", file, "--from", big], { stdio: "ignore" });
    setTimeout(() => child.kill("SIGKILL"), delay);
    await once(child, "exit");
    const there = lstatSync(file, { throwIfNoEntry: false });
    assert.ok(!there || there.size === content.length);
  }
  const { failure } = await runTask("write", [file, "--from", big]);
  assert.equal(failure, undefined);
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(debris(folder), []);
});

test("content is the same only where every byte is, at the end or as a whole", (t) => {
  const folder = temporary(t);
  const [one, two] = [join(folder, "one"), join(folder, "two")];
  const bytes = fc.uint8Array({ maxLength: 50 });
  fc.assert(
    fc.property(bytes, bytes, fc.constantFrom(0, 256 * 1024), (first, second, padding) => {
      const [left, right] = [Buffer.concat([Buffer.alloc(padding), first]), Buffer.from(second)];
      writeFileSync(one, left);
      writeFileSync(two, right);
      assert.equal(sameContent(one, two), left.equals(right));
      const end = left.subarray(Math.max(0, left.length - right.length));
      assert.equal(sameContent(one, two, { onlyEnd: true }), end.equals(right));
    }),
    { numRuns: 50 },
  );
});
