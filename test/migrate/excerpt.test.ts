import assert from "node:assert/strict";
import { test } from "node:test";
import { excerpt } from "../../src/migrate/excerpt.ts";
import { locate } from "../../src/migrate/text.ts";

/** What stands above the caret, for the place of `nope` in a line of its own. */
function aboveCaret(before: string): string {
  const text = `select 1;\r\n${before}nope;\r\nselect 2;`;
  const [line, caret] = excerpt(locate(text, text.indexOf("nope")), true);
  assert.match(caret!, /^ *\^$/);
  return line!.slice(caret!.length - 1);
}

test("a caret stands right below its character, behind tabs and letters of one column", () => {
  for (const before of ["", "select\t", "\t\t", "é "]) {
    assert.ok(aboveCaret(before).startsWith("nope"), JSON.stringify(before));
  }
});

test("a caret stands right below its character, behind letters that a terminal shows in two columns or in none", () => {
  const columns = { "😀😀 ": 5, "表 ": 3, "e\u0301 ": 2, "👍🏽 ": 3, 한글: 4, "\u200b": 0 };
  for (const [before, width] of Object.entries(columns)) {
    const text = `${before}nope`;
    const [, caret] = excerpt(locate(text, before.length), true);
    assert.equal(caret!.length - 1, "  1 | ".length + width, JSON.stringify(before));
  }
});

test("a long line is cut to what is around the place", () => {
  const text = `${"x".repeat(5000)}nope${"y".repeat(5000)}`;
  const [line, caret] = excerpt(locate(text, 5000), true);
  assert.ok(line!.length < 150);
  assert.ok(line!.slice(caret!.length - 1).startsWith("nope"));
});

test("nothing in a line can steer the terminal", () => {
  const [line] = excerpt(locate("a\u001b[2J\u202eb", 0), false);
  assert.equal(line, "  1 | a [2J b");
});
