import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import {
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { expandGlob } from "../../src/files/expand-glob.ts";
import { type Entry, pathOfEntry, walk, type WalkOptions } from "../../src/files/walk.ts";
import { makeTree, temporaryFolder } from "../helpers/tree.ts";

const everything: WalkOptions = {
  depth: Infinity,
  refused(named, error) {
    throw new Error(`refused ${pathOfEntry(named).toString()}`, { cause: error });
  },
};

function* entriesIn(path: string, options: Partial<WalkOptions> = {}): Generator<Entry> {
  for (const found of expandGlob(path)) {
    for (const entry of walk(found, { ...everything, ...options })) if (entry) yield entry;
  }
}

function walked(root: string, options: Partial<WalkOptions> = {}): string[] {
  return entriesIn(root, options)
    .map((entry) => pathOfEntry(entry).toString().slice(root.length) || "/")
    .toArray();
}

const openFiles = (): number => readdirSync("/proc/self/fd").length;

test("everything is met once, folders after what is in them, and links are not followed", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, {
    "a/b/c": 0o644,
    "a/d": 0o644,
    e: 0o644,
    "f/": 0o755,
    "link -> a": 0,
    "dangling -> none": 0,
  });
  const paths = walked(folder.path);
  assert.deepEqual(paths.toSorted(), ["/", "/a", "/a/b", "/a/b/c", "/a/d", "/dangling", "/e", "/f", "/link"]);
  for (const [at, path] of paths.entries()) {
    const parent = path.slice(0, path.lastIndexOf("/")) || "/";
    assert.ok(path === "/" || paths.indexOf(parent) > at, `${path} before ${parent}`);
  }
});

test("a single file is a tree of its own", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { a: 0o644 });
  assert.deepEqual(walked(join(folder.path, "a")), ["/"]);
});

test("a path that is not there, or is a link, is a failure of access", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o644, "link -> a": 0, "file -> a/b": 0 });
  for (const path of ["none", "link", "link/", "file", "a/b/c"]) {
    assert.throws(
      () => walked(`${folder.path}/${path}`),
      (error) => error instanceof Failure && error.code === "access",
      path,
    );
  }
  assert.deepEqual(walked(`${folder.path}/link/b`), ["/"]);
});

test("the depth is bounded, and names are left out with what is below them", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b/c": 0o644, d: 0o644 });
  assert.deepEqual(walked(folder.path, { depth: 0 }), ["/"]);
  assert.deepEqual(walked(folder.path, { depth: 1 }).toSorted(), ["/", "/a", "/d"]);
  const skips = ({ name }: { name: Buffer }) => name.toString() === "b" || name.toString() === "d";
  assert.deepEqual(walked(folder.path, { skips }), ["/a", "/"]);
});

test("names of any bytes are met, and their paths are whole", () => {
  using folder = temporaryFolder();
  const names = [Buffer.from([0xff, 0xfe]), Buffer.from("a\nb"), Buffer.from("'\"é"), Buffer.from(" -rf")];
  const inFolder = (name: Buffer) => Buffer.concat([Buffer.from(`${folder.path}/`), name]);
  for (const name of names) {
    mkdirSync(inFolder(name));
    writeFileSync(Buffer.concat([inFolder(name), Buffer.from("/"), name]), "");
  }
  const paths = entriesIn(folder.path)
    .map((entry) => pathOfEntry(entry).toString("hex"))
    .toArray();
  for (const name of names) {
    assert.ok(paths.includes(inFolder(name).toString("hex")));
    assert.ok(paths.includes(Buffer.concat([inFolder(name), Buffer.from("/"), name]).toString("hex")));
  }
});

/** Makes folders in folders, further down than any path can tell; returns the number of levels. */
function digDown(root: string, levels: number): void {
  const { O_DIRECTORY } = constants;
  let fd = openSync(root, O_DIRECTORY);
  for (let level = 0; level < levels; level++) {
    const path = `/proc/self/fd/${fd}/folder-${level}`;
    mkdirSync(path);
    writeFileSync(`/proc/self/fd/${fd}/file-${level}`, "");
    const below = openSync(path, O_DIRECTORY);
    closeSync(fd);
    fd = below;
  }
  closeSync(fd);
}

test("a tree deeper than any path is walked whole, with a bounded number of open files", () => {
  using folder = temporaryFolder();
  const levels = 500;
  const root = join(folder.path, "deep");
  mkdirSync(root);
  digDown(root, levels);
  try {
    const before = openFiles();
    let [entries, most] = [0, 0];
    for (const entry of entriesIn(root)) {
      entries++;
      if (entry.depth % 50 === 0) most = Math.max(most, openFiles() - before);
    }
    assert.equal(entries, 2 * levels + 1);
    assert.ok(most > 0 && most < 100, `${most} open files`);
    assert.equal(openFiles(), before);
  } finally {
    execFileSync("rm", ["-rf", root]);
  }
});

test("a walk that is given up leaves no file open", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b/c/d": 0o644, "a/b/e": 0o644, "f/g": 0o644 });
  const before = openFiles();
  for (let stop = 1; stop < 10; stop++) {
    assert.equal(entriesIn(folder.path).take(stop).toArray().length, Math.min(stop, 8));
    assert.equal(openFiles(), before);
  }
});

test("what vanishes during the walk is left out", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/b/c": 0o644, "d/e": 0o644, f: 0o644, g: 0o644 });
  const [first] = walked(folder.path);
  assert.ok(first === "/f" || first === "/g");
  const met = [];
  for (const entry of entriesIn(folder.path)) {
    if (met.length === 0) for (const path of ["a", "d"]) rmSync(join(folder.path, path), { recursive: true });
    met.push(pathOfEntry(entry).toString());
  }
  assert.deepEqual(met.toSorted(), [folder.path, join(folder.path, "f"), join(folder.path, "g")]);
});

test("a folder that is swapped for a link during the walk is not followed", () => {
  using folder = temporaryFolder();
  using outside = temporaryFolder();
  makeTree(folder.path, { "a/b": 0o644, c: 0o644 });
  makeTree(outside.path, { secret: 0o600 });
  const met = [];
  for (const entry of entriesIn(folder.path)) {
    met.push(pathOfEntry(entry).toString().slice(folder.path.length));
    if (met.length > 1) continue;
    renameSync(join(folder.path, "a"), join(folder.path, "a.real"));
    symlinkSync(outside.path, join(folder.path, "a"));
  }
  assert.deepEqual(met, ["/c", ""]);
});

test("a folder far down that is moved away during the walk ends it, and nothing elsewhere is met", () => {
  using folder = temporaryFolder();
  using outside = temporaryFolder();
  const root = join(folder.path, "deep");
  mkdirSync(root);
  digDown(root, 80);
  const met: string[] = [];
  assert.throws(
    () => {
      for (const entry of entriesIn(root)) {
        met.push(entry.name.toString());
        if (entry.depth !== 80 || !entry.stats.isDirectory()) continue;
        const parts = Array.from({ length: 78 }, (_, level) => `folder-${level}`);
        renameSync(join(root, ...parts, "folder-78"), join(outside.path, "moved"));
        writeFileSync(join(outside.path, "secret"), "");
      }
    },
    (error) => error instanceof Failure && error.code === "io",
  );
  assert.ok(!met.includes("secret"));
});

test(
  "a folder that may not be read is met, with the reason",
  { skip: process.getuid!() === 0 && "root reads everything" },
  () => {
    using folder = temporaryFolder();
    makeTree(folder.path, { "a/b": 0o644, "a/": 0o000, "c/d": 0o644, "c/": 0o600 });
    const reasons = new Map(
      entriesIn(folder.path).map((entry) => [
        entry.name.toString(),
        (entry.unreadable as Error | undefined)?.message.slice(0, 6),
      ]),
    );
    assert.deepEqual(Object.fromEntries(reasons), { a: "EACCES", c: "EACCES", [folder.path]: undefined });
  },
);
