import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bodyOf } from "../../src/migrate/body.ts";

const body = (text: string, values: Record<string, string> = {}) =>
  bodyOf("1_x.sql", text, { start: 0, end: text.length }, new Map(Object.entries(values)));

test("a file without variables and commands is applied as it stands", () => {
  const text = "select 1;\n-- :x\nselect ':x', E'\\'';\n";
  assert.equal(body(text, { x: "1" }).sql, text);
});

test("data of a COPY stay as they are", () => {
  const text = "copy t from stdin;\n:x\n\\N\n\\restrict\n\\.\n\\restrict y\nselect :x;";
  assert.equal(body(text, { x: "1" }).sql, text.replace("\\restrict y", "").replace("select :x", "select 1"));
});

test("every place leads back to where it comes from in the file", () => {
  const piece = fc.oneof(
    fc.constantFrom("select", "';'", "\\restrict x\n", "\n"),
    fc.constantFrom(":a", ":'a'", ":b", ':"b"', ":none"),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), fc.nat(20), (pieces, start) => {
      const text = `${" ".repeat(start)}${pieces.map((each) => ` ${each} `).join("")}`;
      const values = new Map([
        ["a", "1234567"],
        ["b", "n"],
      ]);
      const { sql, origin } = bodyOf("1_x.sql", text, { start, end: text.length }, values);
      for (const { 0: word, index } of sql.matchAll(/select|';'|:none/g)) {
        assert.ok(text.startsWith(word, origin(index)), `${word} in ${sql}`);
      }
      for (const { index } of sql.matchAll(/'?1234567'?/g)) assert.match(text.slice(origin(index)), /^:'?a/);
      assert.equal(origin(sql.length), text.length);
    }),
  );
});
