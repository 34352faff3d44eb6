import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { makeFolders, makeParents } from "../../src/files/parents.ts";
import { tar } from "../helpers/archives.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

test("missing parents are made, and taken away again where nothing has come into them", (t) => {
  const home = temporary(t);
  const undo = makeParents(join(home, "a/b/c"));
  assert.deepEqual(readdirSync(join(home, "a")), ["b"]);
  undo();
  assert.deepEqual(readdirSync(home), []);
});

test("what was there before stays, and so does what others have put something into", (t) => {
  const home = temporary(t);
  mkdirSync(join(home, "a"));
  const undo = makeParents(join(home, "a/b/c/d"));
  writeFileSync(join(home, "a/b/theirs"), "");
  undo();
  assert.deepEqual(readdirSync(join(home, "a/b")), ["theirs"]);
  makeParents(join(home, "a/b"))();
  assert.ok(existsSync(join(home, "a")));
});

test("the first folder that was missing is told", (t) => {
  const home = temporary(t);
  assert.equal(makeFolders(join(home, "a/b")), join(home, "a"));
  assert.equal(makeFolders(join(home, "a/b/c")), join(home, "a/b/c"));
  assert.equal(makeFolders(join(home, "a/b/c")), undefined);
});

test("the reason why a folder cannot be made is the real one", (t) => {
  const home = temporary(t);
  writeFileSync(join(home, "file"), "");
  for (const [path, code] of [
    [join(home, "file/a/b"), "ENOTDIR"],
    [join(home, "file"), "EEXIST"],
    ["/proc/none/a", "ENOENT"],
  ] as const)
    assert.throws(() => makeFolders(path), { code });
});

/** Makes a folder one below which nobody can write; undefined where this user may not do that. */
function close(folder: string): (Disposable & { readonly errno: string }) | undefined {
  if (process.getuid!() !== 0) {
    chmodSync(folder, 0o555);
    return { errno: "EACCES", [Symbol.dispose]: () => chmodSync(folder, 0o755) };
  }
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "ro", "tmpfs", folder], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { errno: "EROFS", [Symbol.dispose]: () => void execFileSync("umount", [folder]) };
}

test("a volume that cannot be written is 24 for each task that makes parents, and says so", async (t) => {
  const home = temporary(t);
  const folder = join(home, "volume");
  mkdirSync(folder);
  using volume = close(folder);
  if (!volume) return t.skip("needs the right to mount a tmpfs");
  const [archive, file] = [join(home, "a.tar"), join(home, "file")];
  writeFileSync(archive, tar({ name: "x", content: "x" }));
  writeFileSync(file, "text");
  const to = join(folder, "a/b/c");
  for (const [task, ...words] of [
    ["download", pathToFileURL(file).href, to],
    ["download", pathToFileURL(archive).href, to, "--extract"],
    ["extract", archive, to],
    ["copy", file, to],
    ["render", file, to],
    ["write", to, "--content", "x"],
    ["link", "x", to],
    ["mkdir", to],
  ] as const) {
    const { failure } = await runTask(task, words);
    assert.equal(failure?.exitCode, 24, task);
    assert.ok(failure.message.includes(`(${volume.errno})`), failure.message);
    assert.ok(failure.hint, task);
  }
});
