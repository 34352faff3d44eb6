import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import fc from "fast-check";
import { splitWords } from "../src/words.ts";

/** What a POSIX shell makes of a line, where nothing in it asks for an expansion. */
function wordsOfShell(lines: readonly string[]): string[][] {
  const script = lines.map((line) => `printf '%s\\0' begin ${line}\nprintf 'end\\0'\n`).join("");
  const all = execFileSync("sh", ["-c", script], { encoding: "utf8" }).split("\0").slice(0, -1);
  const results: string[][] = [];
  for (const word of all) {
    if (word === "begin") results.push([]);
    else if (word !== "end") results.at(-1)!.push(word);
  }
  return results;
}

const character = fc.constantFrom(...Array.from("abc/:=-.,ü€😀"), " ", "\t", "  ");
const plain = fc.string({ unit: character, maxLength: 6 });
const single = fc.string({
  unit: fc.constantFrom(...Array.from("a $`\\\"'#;|&<>()*?~\n".replace("'", ""))),
  maxLength: 6,
});
const inDouble = fc.constantFrom(
  "a",
  " ",
  "'",
  "\\$",
  "\\`",
  '\\"',
  "\\\\",
  "\\a",
  "\\\n",
  "#",
  "\n",
  "é",
  "\\'",
);
const escaped = fc.constantFrom("\\ ", "\\'", '\\"', "\\\\", "\\$", "\\a", "\\#", "\\;", "\\\t");
const part = fc.oneof(
  plain,
  single.map((text) => `'${text}'`),
  fc.string({ unit: inDouble, maxLength: 6 }).map((text) => `"${text}"`),
  escaped,
);
const line = fc.array(part, { maxLength: 8 }).map((parts) => parts.join(""));

test("a line is split into words as a POSIX shell splits it", () => {
  const batch = fc.array(
    line.filter((text) => !/(^|\s)(begin|end)(\s|$)/.test(text)),
    { minLength: 40, maxLength: 40 },
  );
  fc.assert(
    fc.property(batch, (lines) => {
      assert.deepEqual(lines.map(splitWords), wordsOfShell(lines));
    }),
    { numRuns: 25 },
  );
});

test("any words can be written on a line and come back as they were", () => {
  const quoteForShell = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "grapheme" })), (words) => {
      assert.deepEqual(splitWords(words.map(quoteForShell).join(" ")), words);
    }),
  );
});

test("nothing in a line is expanded", () => {
  for (const word of ["$HOME", "`id`", "$(id)", "*", "~", "a;b", "a|b", "<x", "&&", "#x", "{a,b}"])
    assert.deepEqual(splitWords(word), [word]);
});

test("only blanks of the shell and line ends separate words", () => {
  for (const separator of [" ", "\t", "\n", "\r\n"])
    assert.deepEqual(splitWords(`a${separator}b`), ["a", "b"]);
});

test("a no-break space is part of a word", () => {
  assert.deepEqual(splitWords("a\u00a0b c\u3000d"), ["a\u00a0b", "c\u3000d"]);
});

test("an empty quotation is an empty word", () => {
  assert.deepEqual(splitWords(`'' "" a''b`), ["", "", "ab"]);
});

test("a backslash before a line end continues the line, and makes no word", () => {
  assert.deepEqual(splitWords("wait-for a \\\n  --timeout 2m"), ["wait-for", "a", "--timeout", "2m"]);
  assert.deepEqual(splitWords("ab\\\ncd"), ["abcd"]);
});

test("an unfinished quotation is an error that names its character", () => {
  for (const [text, at] of [
    ["a 'b", 3],
    ['a "b', 3],
    ["a b\\", 4],
    [`"a\\"`, 1],
  ] as const)
    assert.throws(() => splitWords(text), new RegExp(`character ${at}$`));
});
