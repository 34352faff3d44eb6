import assert from "node:assert/strict";
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test, type TestContext } from "node:test";
import { mountsBelow } from "../../src/files/mounts.ts";
import type { FolderTraits } from "../../src/files/folder-traits.ts";
import { publishFile, publishTree } from "../../src/files/publish.ts";
import { snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const plain: FolderTraits = { mode: 0o755, mtime: 1_000_000, ids: {}, isNamed: true, isAsked: false };

/** A staged tree of files, by path, with the traits of its folders where they matter. */
function stage(
  home: string,
  files: Record<string, string>,
  traits: Record<string, Partial<FolderTraits>> = {},
) {
  const root = join(home, "staged");
  const folders = new Map<string, FolderTraits>([["", { ...plain, isNamed: false }]]);
  const add = (path: string) => {
    if (folders.has(path)) return;
    if (path.includes("/")) add(dirname(path));
    mkdirSync(join(root, path), { recursive: true, mode: 0o700 });
    folders.set(path, { ...plain, ...traits[path] });
  };
  mkdirSync(root);
  for (const path of Object.keys(traits)) add(path);
  for (const [path, content] of Object.entries(files)) {
    if (path.includes("/")) add(dirname(path));
    writeFileSync(join(root, path), content);
  }
  return { root, folders };
}

function setUp(t: TestContext) {
  const home = temporary(t);
  const destination = join(home, "destination");
  const there = (path: string, content: string) => {
    mkdirSync(dirname(join(destination, path)), { recursive: true });
    writeFileSync(join(destination, path), content);
  };
  return { home, destination, there };
}

test("a tree comes whole to a place where nothing is", async (t) => {
  const { home, destination } = setUp(t);
  const tree = stage(
    home,
    { "a/b/file": "x", top: "y" },
    { a: { mode: 0o500 }, "a/b": { mode: 0o700, mtime: 5 } },
  );
  await publishTree(tree, destination);
  assert.equal(readFileSync(join(destination, "a/b/file"), "utf8"), "x");
  assert.equal(statSync(join(destination, "a")).mode & 0o777, 0o500);
  assert.equal(statSync(join(destination, "a/b")).mtimeMs, 5000);
  assert.equal(statSync(destination).mode & 0o777, 0o755);
  chmodSync(join(destination, "a"), 0o700);
});

test("a tree is merged into what is there, which keeps its own owner and mode", async (t) => {
  const { home, destination, there } = setUp(t);
  there("a/old", "old");
  there("a/file", "old");
  chmodSync(destination, 0o2710);
  const before = statSync(destination).mode;
  const tree = stage(
    home,
    { "a/file": "new", "a/more": "new", "b/c/file": "new" },
    { a: { mode: 0o711 }, b: { mode: 0o500 } },
  );
  const calls: boolean[] = [];
  await publishTree(tree, destination, { beforeMerge: (replaces) => void calls.push(replaces) });
  assert.equal(statSync(destination).mode, before);
  assert.deepEqual(calls, [true]);
  assert.deepEqual(
    ["a/old", "a/file", "a/more", "b/c/file"].map((path) => readFileSync(join(destination, path), "utf8")),
    ["old", "new", "new", "new"],
  );
  assert.equal(statSync(join(destination, "a")).mode & 0o777, 0o711);
  assert.equal(statSync(join(destination, "b")).mode & 0o777, 0o500);
  chmodSync(join(destination, "b"), 0o700);
});

test("a folder that is there keeps its set-gid bit, and its mode where the archive only passes through it", async (t) => {
  const { home, destination, there } = setUp(t);
  there("named/x", "");
  there("passed/x", "");
  for (const name of ["named", "passed"]) chmodSync(join(destination, name), 0o2770);
  const tree = stage(
    home,
    { "named/f": "", "passed/f": "" },
    { named: { mode: 0o755 }, passed: { isNamed: false } },
  );
  await publishTree(tree, destination);
  assert.equal(statSync(join(destination, "named")).mode & 0o7777, 0o2755);
  assert.equal(statSync(join(destination, "passed")).mode & 0o7777, 0o2770);
});

test("a link in place of a file is replaced, not followed", async (t) => {
  const { home, destination, there } = setUp(t);
  there("keep", "");
  const sentinel = join(home, "sentinel");
  writeFileSync(sentinel, "untouched");
  symlinkSync(sentinel, join(destination, "file"));
  await publishTree(stage(home, { file: "new" }), destination);
  assert.ok(lstatSync(join(destination, "file")).isFile());
  assert.equal(readFileSync(sentinel, "utf8"), "untouched");
});

for (const [what, prepare] of [
  [
    "a link to a folder",
    (destination: string, home: string) => symlinkSync(join(home, "outside"), join(destination, "z")),
  ],
  ["a link to nowhere", (destination: string) => symlinkSync("nowhere", join(destination, "z"))],
  ["a file", (destination: string) => writeFileSync(join(destination, "z"), "file")],
  ["a folder where a file must be", (destination: string) => mkdirSync(join(destination, "file"))],
] as const) {
  test(`${what} in the way stops everything before anything has changed`, async (t) => {
    const { home, destination, there } = setUp(t);
    there("a/file", "old");
    mkdirSync(join(home, "outside"));
    prepare(destination, home);
    const before = snapshot(home);
    const tree = stage(home, { "a/file": "new", file: "new", "z/file": "new" });
    let called = false;
    await assert.rejects(publishTree(tree, destination, { beforeMerge: () => void (called = true) }), {
      code: "access",
    });
    const { staged: _, ...after } = snapshot(home);
    const kept = Object.fromEntries(Object.entries(after).filter(([path]) => !path.startsWith("staged/")));
    assert.deepEqual(kept, before);
    assert.equal(called, false);
  });
}

test("the time of a folder that is there is that of the archive", async (t) => {
  const { home, destination, there } = setUp(t);
  there("a/x", "");
  await publishTree(stage(home, { "a/f": "" }, { a: { mtime: 77 } }), destination);
  assert.equal(statSync(join(destination, "a")).mtimeMs, 77_000);
});

test("a destination that is a link to a folder is that folder", async (t) => {
  const { home, destination, there } = setUp(t);
  there("keep", "");
  symlinkSync(destination, join(home, "link"));
  await publishTree(stage(home, { file: "new" }), join(home, "link"));
  assert.equal(readlinkSync(join(home, "link")), destination);
  assert.equal(readFileSync(join(destination, "file"), "utf8"), "new");
});

test("a file comes to its place in one step and replaces a file or a link there", (t) => {
  const { home, destination, there } = setUp(t);
  there("file", "old");
  const sentinel = join(home, "sentinel");
  writeFileSync(sentinel, "untouched");
  symlinkSync(sentinel, join(destination, "link"));
  for (const name of ["file", "link", "new"]) {
    writeFileSync(join(home, "staged"), name);
    publishFile(join(home, "staged"), join(destination, name));
    assert.equal(readFileSync(join(destination, name), "utf8"), name);
  }
  assert.equal(readFileSync(sentinel, "utf8"), "untouched");
});

test("a file never takes the place of a folder", (t) => {
  const { home, destination, there } = setUp(t);
  there("folder/x", "");
  writeFileSync(join(home, "staged"), "");
  assert.throws(() => publishFile(join(home, "staged"), join(destination, "folder")), { code: "access" });
});

test("mount points below a folder are found, whatever their names", (t) => {
  const home = temporary(t);
  const lines = [
    "/proc /proc",
    `/ ${home}`,
    `/ ${home}/data`,
    `/x ${home}/with\\040space/deep`,
    `/ ${home}-beside`,
  ];
  const info = join(home, "mountinfo");
  writeFileSync(info, lines.map((line, index) => `${index} 1 8:1 ${line} rw - ext4 /dev/sda rw`).join("\n"));
  assert.deepEqual([...mountsBelow(home, info)].sort(), ["data", "with space/deep"]);
  assert.deepEqual([...mountsBelow(home, join(home, "missing"))], []);
});
