import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { tokens } from "../../src/migrate/lexer.ts";

const kinds = (sql: string): string[] =>
  [...tokens(sql)].map(({ kind, start, end }) => `${kind}:${sql.slice(start, end)}`);

test("an argument with its name, a cast and a slice are no variables of psql, which are whole tokens", () => {
  assert.deepEqual(
    kinds("f(a := b, c::int, x[1 : 2])").filter((token) => token.startsWith("variable")),
    [],
  );
  assert.deepEqual(
    kinds(`:a :'b' :"c" a:::d :'e f' ::'g'`).filter((token) => token.startsWith("variable")),
    ["variable::a", "variable::'b'", 'variable::"c"', "variable::d"],
  );
});

test("a command of psql reaches to the end of its line", () => {
  assert.deepEqual(kinds("\\restrict a;b\r\nselect 1 \\gexec"), [
    "command:\\restrict a;b",
    "word:select",
    "other:1",
    "command:\\gexec",
  ]);
});

test("a no-break space is part of a name, as PostgreSQL has it", () => {
  assert.deepEqual(kinds("a\u00a0b c"), ["word:a\u00a0b", "word:c"]);
});

const anything = fc.string({ unit: "grapheme", maxLength: 20 });

test("every text is split into tokens that follow each other, in linear time", () => {
  const fragment = fc.oneof(
    anything,
    fc.constantFrom("'", '"', "$$", "$a$", "/*", "*/", "--", "\n", ";", "\\", "E'", "(", ")"),
  );
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
      const sql = fragments.join("");
      let end = 0;
      for (const token of tokens(sql)) {
        assert.ok(token.start >= end && token.end > token.start && token.end <= sql.length);
        end = token.end;
      }
    }),
    { numRuns: 1000 },
  );
});
