import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { makeFolders, withParents } from "../../src/files/parents.ts";
import { tar } from "../helpers/archives.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

/** Makes the parents of a path for something that fails. */
const fail = (path: string, act = () => {}): Promise<void> =>
  withParents(path, async () => {
    act();
    throw new Error("fails");
  });

test("missing parents are made, and taken away again where what they are for fails", async (t) => {
  const home = temporary(t);
  const seen: string[] = [];
  await assert.rejects(fail(join(home, "a/b/c"), () => seen.push(...readdirSync(join(home, "a")))));
  assert.deepEqual([seen, readdirSync(home)], [["b"], []]);
  await withParents(join(home, "a/b/c"), async () => {});
  assert.deepEqual(readdirSync(join(home, "a")), ["b"]);
});

test("what was there before stays, and so does what others have put something into", async (t) => {
  const home = temporary(t);
  mkdirSync(join(home, "a"));
  await assert.rejects(fail(join(home, "a/b/c/d"), () => writeFileSync(join(home, "a/b/theirs"), "")));
  assert.deepEqual(readdirSync(join(home, "a/b")), ["theirs"]);
  await assert.rejects(fail(join(home, "a/b")));
  assert.ok(existsSync(join(home, "a")));
});

test("the folders that were missing are told, the outermost first", (t) => {
  const home = temporary(t);
  assert.deepEqual(makeFolders(join(home, "a/b")), [join(home, "a"), join(home, "a/b")]);
  assert.deepEqual(makeFolders(join(home, "a/b/c")), [join(home, "a/b/c")]);
  assert.deepEqual(makeFolders(join(home, "a/b/c")), []);
});

test("where one of the folders cannot be made, those above it are taken away again", (t) => {
  const home = temporary(t);
  assert.throws(() => makeFolders(join(home, "a/b", "x".repeat(256))), { code: "ENAMETOOLONG" });
  assert.deepEqual(readdirSync(home), []);
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
