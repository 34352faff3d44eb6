import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { expandGlob, pathOf } from "../../src/files/expand-glob.ts";
import { makeTree, temporaryFolder } from "../helpers/tree.ts";

function found(root: string, pattern: string): string[] {
  return expandGlob(join(root, pattern)).map((each) =>
    pathOf(each)
      .toString()
      .slice(root.length + 1),
  );
}

test("a path without wildcards is the path itself, there or not", () => {
  using folder = temporaryFolder();
  assert.deepEqual(found(folder.path, "none"), ["none"]);
  assert.deepEqual(found(folder.path, "a\\b"), ["a\\b"]);
  assert.deepEqual(expandGlob("/"), [{ base: "/", names: [] }]);
  assert.deepEqual(expandGlob(`${folder.path}///`), [{ base: folder.path, names: [] }]);
});

test("wildcards find names in order, and hidden ones only after a written dot", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "b/x": 0o644, "a/x": 0o644, c: 0o644, ".h/x": 0o644, "a/.x": 0o644 });
  assert.deepEqual(found(folder.path, "*"), ["a", "b", "c"]);
  assert.deepEqual(found(folder.path, "*/x"), ["a/x", "b/x"]);
  assert.deepEqual(found(folder.path, ".*"), [".h"]);
  assert.deepEqual(found(folder.path, "[ab]/"), ["a", "b"]);
  assert.deepEqual(found(folder.path, "**/x"), ["a/x", "b/x"]);
  assert.deepEqual(found(folder.path, "**"), ["a", "a/x", "b", "b/x", "c"]);
  assert.deepEqual(found(folder.path, "?/[.]x"), []);
  assert.deepEqual(found(folder.path, "z*"), []);
  assert.deepEqual(found(folder.path, "none/*"), []);
  assert.deepEqual(found(folder.path, "c/*"), []);
});

test("a path that is there as it is written is not a pattern", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a[b]": 0o644, ab: 0o644, "{x,y}": 0o644 });
  assert.deepEqual(found(folder.path, "a[b]"), ["a[b]"]);
  assert.deepEqual(found(folder.path, "{x,y}"), ["{x,y}"]);
  assert.deepEqual(found(folder.path, "a\\[b]*"), ["a[b]"]);
});

test("braces without wildcards are paths of their own, there or not", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "a/x": 0o644, "b/x": 0o644 });
  assert.deepEqual(found(folder.path, "{b,a,none}"), ["a", "b", "none"]);
  assert.deepEqual(found(folder.path, "{a,b,c}/*"), ["a/x", "b/x"]);
  assert.deepEqual(found(folder.path, "{a,a}"), ["a"]);
});

test("wildcards never lead through a link, but may end at one", () => {
  using folder = temporaryFolder();
  makeTree(folder.path, { "real/x": 0o644, "link -> real": 0, "dangling -> none": 0 });
  assert.deepEqual(found(folder.path, "*/x"), ["real/x"]);
  assert.deepEqual(found(folder.path, "**/x"), ["real/x"]);
  assert.deepEqual(found(folder.path, "*"), ["dangling", "link", "real"]);
  assert.deepEqual(found(folder.path, "link/*"), ["link/x"]);
});

test("names of any bytes are found", () => {
  using folder = temporaryFolder();
  const names = [Buffer.from("a\nb'\""), Buffer.from([0x61, 0xff, 0xfe]), Buffer.from("aé")];
  for (const name of names) writeFileSync(Buffer.concat([Buffer.from(`${folder.path}/`), name]), "");
  const paths = expandGlob(join(folder.path, "a*")).map((each) => each.names[0]!.toString("hex"));
  assert.deepEqual(paths, names.map((name) => name.toString("hex")).toSorted());
});

test(
  "a folder that cannot be read is a failure",
  { skip: process.getuid!() === 0 && "root reads everything" },
  () => {
    using folder = temporaryFolder();
    mkdirSync(join(folder.path, "closed"), 0);
    assert.throws(
      () => found(folder.path, "closed/*"),
      (error) => error instanceof Failure && error.code === "access",
    );
  },
);

test("a path that the system refuses is a failure", () => {
  assert.throws(
    () => expandGlob(`/${"a".repeat(300)}*`),
    (error) => error instanceof Failure && error.code === "access",
  );
});
