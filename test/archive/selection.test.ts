import assert from "node:assert/strict";
import { test } from "node:test";
import type { Rules } from "../../src/archive/selection.ts";
import { Selection } from "../../src/archive/selection.ts";
import { glob } from "../../src/files/glob.ts";

const none: Rules = { strip: 0, subpath: undefined, include: [], exclude: [] };
const names = ["app", "app/bin", "app/bin/run", "app/doc", "app/doc/a.md", "app/doc/b.txt", "readme"];
const folders = new Set(["app", "app/bin", "app/doc"]);

function picked(rules: Partial<Rules>): string[] {
  const selection = new Selection({ ...none, ...rules });
  const paths = names.map((name) => selection.pick(name.split("/"), folders.has(name) ? "folder" : "file"));
  selection.finish();
  return paths.filter((path) => path !== undefined);
}

test("without rules everything is picked", () => assert.deepEqual(picked({}), names));

test("strip takes leading parts off and leaves out what has no more", () => {
  assert.deepEqual(picked({ strip: 1 }), ["bin", "bin/run", "doc", "doc/a.md", "doc/b.txt"]);
  assert.deepEqual(picked({ strip: 2 }), ["run", "a.md", "b.txt"]);
});

test("the content of subpath comes to the top", () => {
  assert.deepEqual(picked({ subpath: "app/doc" }), ["a.md", "b.txt"]);
  assert.deepEqual(picked({ subpath: "app", strip: 1 }), ["run", "a.md", "b.txt"]);
});

test("a subpath that is not there, or is a file, is refused", () => {
  for (const subpath of ["app/do", "doc", "app/doc/c", "readme", "app/doc/a.md"]) {
    assert.throws(() => picked({ subpath }), { code: "integrity" }, subpath);
  }
});

test("a subpath that is an empty folder is no mistake", () => {
  const selection = new Selection({ ...none, subpath: "empty" });
  assert.equal(selection.pick(["empty"], "folder"), undefined);
  selection.finish();
});

test("include and exclude look at the names in the archive", () => {
  assert.deepEqual(picked({ include: [glob.parse("*.md")] }), ["app/doc/a.md"]);
  assert.deepEqual(picked({ include: [glob.parse("app/doc")], exclude: [glob.parse("*.txt")] }), [
    "app/doc",
    "app/doc/a.md",
  ]);
  assert.deepEqual(picked({ exclude: [glob.parse("app/*")] }), ["app", "readme"]);
  assert.deepEqual(picked({ include: [glob.parse("app/bin")], strip: 1 }), ["bin", "bin/run"]);
});

test("rules that leave nothing are a mistake, an empty archive is none", () => {
  assert.throws(() => picked({ include: [glob.parse("*.xml")] }), { code: "integrity" });
  assert.throws(() => picked({ strip: 3 }), { code: "integrity" });
  new Selection({ ...none, include: [glob.parse("*.xml")] }).finish();
});
