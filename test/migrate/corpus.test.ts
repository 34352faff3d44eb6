import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { bodyOf } from "../../src/migrate/body.ts";
import { endOfData } from "../../src/migrate/lexer.ts";
import { statements } from "../../src/migrate/statements.ts";

/** Statements of the corpus as they stand there, with their data; not those behind which strings read differently. */
const corpus = join(import.meta.dirname, "corpus");
const files = readdirSync(corpus).filter((file) => file !== "conforming.sql");
const pieces = files.flatMap((file) => piecesOf(bodyIn(file)));

function bodyIn(file: string): string {
  const text = readFileSync(join(corpus, file), "utf8").replace("\ufeff", "");
  return bodyOf(file, text, { start: 0, end: text.length }, new Map()).sql;
}

interface Piece {
  readonly sql: string;
  readonly data?: string;
}

function piecesOf(text: string): Piece[] {
  return [...statements(text)].map(({ start, end, data }) => {
    const sql = text.slice(start, end);
    return data ? { sql, data: text.slice(data.start, endOfData(text, data)) } : { sql };
  });
}

const gaps = fc.constantFrom("", " ", "\n", "\r\n", "-- it's; \"$$\n", "/* a /* ; */ b' */", ";", "\f\t");
const written = fc.tuple(gaps, fc.constantFrom(...pieces), gaps).map(([before, { sql, data }, after]) => ({
  sql,
  data,
  text: data === undefined ? `${before}${sql};${after}` : `${before}${sql};\n${data.trimEnd()}\n${after}`,
}));

test("statements of the corpus in any order are split where they were joined, and nothing of them is lost", () => {
  assert.ok(pieces.length > 100);
  fc.assert(
    fc.property(fc.array(written, { maxLength: 12 }), (all) => {
      const text = all.map((each) => each.text).join("");
      const found = piecesOf(text);
      assert.deepEqual(
        found.map(({ sql }) => sql),
        all.map(({ sql }) => sql),
      );
      assert.deepEqual(
        found.map(({ data }) => data?.trimEnd()),
        all.map(({ data }) => data?.trimEnd()),
      );
    }),
    { numRuns: 1000 },
  );
});
