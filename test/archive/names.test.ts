import assert from "node:assert/strict";
import { join, relative } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { safeNames, safeZipNames } from "../../src/archive/names.ts";

const integrity = { code: "integrity", kind: "unsafe" };

test("a name that is taken is below the folder, whatever it looks like", () => {
  const piece = fc.oneof(
    fc.constantFrom("..", ".", "", "/", "//", "a", "\\", "C:", "\0", "...", " "),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 6 }), (pieces) => {
      for (const parse of [safeNames, safeZipNames]) {
        const names = attempt(() => parse(pieces.join("/")));
        if (!names) continue;
        const place = relative("/top", join("/top", ...names));
        assert.ok(!place.startsWith("../") && place !== "..", place);
        assert.ok(names.every((name) => name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name)));
      }
    }),
    { numRuns: 500 },
  );
});

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    assert.equal((error as { code?: string }).code, "integrity");
    return undefined;
  }
}

test("a name is freed from what means nothing", () => {
  assert.deepEqual(safeNames("./a//b/./c/"), ["a", "b", "c"]);
  assert.deepEqual(safeNames("./"), []);
  assert.deepEqual(safeNames("..a/b..c/..."), ["..a", "b..c", "..."]);
});

test("names that climb, are absolute, or that no file system holds are refused", () => {
  const bad = [
    "..",
    "../a",
    "a/../b",
    "a/..",
    "/a",
    "//a",
    "/",
    "",
    "a\0b",
    "x".repeat(256),
    "d/".repeat(1025),
    "ab/".repeat(1200),
  ];
  for (const name of bad) assert.throws(() => safeNames(name), integrity, JSON.stringify(name.slice(0, 20)));
  assert.equal(safeNames("é".repeat(127)).length, 1);
  assert.throws(() => safeNames("é".repeat(128)), integrity, "it is bytes that count");
});

test("in zip a backslash and a drive letter are refused too", () => {
  for (const name of ["..\\a", "a\\b", "C:a", "c:/a"]) assert.throws(() => safeZipNames(name), integrity);
  assert.deepEqual(safeNames("a\\b"), ["a\\b"], "in tar it is a character like others");
});
