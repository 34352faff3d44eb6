import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { indexOfCharacter, locate, placeOf } from "../../src/migrate/text.ts";

test("a place counts lines of every kind and characters, not UTF-16 units", () => {
  const text = "a\r\n😀é x\n\ny";
  assert.deepEqual(locate(text, text.indexOf("x")), { line: 2, column: 4, source: "😀é x" });
  assert.equal(placeOf("1.sql", text, text.indexOf("y")), "1.sql:4:1");
  assert.equal(placeOf("1.sql", text, 0), "1.sql:1:1");
  assert.equal(placeOf("1.sql", text, text.length), "1.sql:4:2");
});

test("the n-th character is found where it is, wherever counting begins", () => {
  const text = fc.string({ unit: "binary", maxLength: 30 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const characters = Array.from(after);
      let index = before.length;
      for (const [at, character] of characters.entries()) {
        assert.equal(indexOfCharacter(before + after, at + 1, before.length), index);
        index += character.length;
      }
    }),
  );
});
