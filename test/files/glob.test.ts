import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { glob, matchesGlob } from "../../src/files/glob.ts";

const matches = (pattern: string, path: string): boolean => matchesGlob(glob.parse(pattern), path);

function assertMatches(pattern: string, yes: readonly string[], no: readonly string[]): void {
  for (const path of yes) assert.equal(matches(pattern, path), true, `${pattern} should match ${path}`);
  for (const path of no) assert.equal(matches(pattern, path), false, `${pattern} should not match ${path}`);
}

test("a pattern without a slash is looked for at every depth, with what is below it", () => {
  assertMatches("cache", ["cache", "a/cache", "cache/x", "a/cache/b/c"], ["caches", "a/cach", "ca/che"]);
  assertMatches("*.log", ["x.log", "a/b/x.log", "old.log/x"], ["x.log1", "log"]);
});

test("a pattern with a slash begins at the top", () => {
  assertMatches("/cache", ["cache", "cache/x"], ["a/cache"]);
  assertMatches("a/cache", ["a/cache", "a/cache/x"], ["b/a/cache", "cache"]);
  assertMatches("./cache", ["cache"], ["a/cache"]);
  assertMatches("cache/", ["cache", "a/cache", "cache/x"], ["caches"]);
});

test("a star stays within a name, two of them go through folders", () => {
  assertMatches("a/*/c", ["a/b/c", "a/b/c/d"], ["a/c", "a/b/b/c"]);
  assertMatches("a/**/c", ["a/c", "a/b/c", "a/b/b/c"], ["c", "a/b"]);
  assertMatches("**/c", ["c", "a/c", "a/b/c"], ["ac"]);
  assertMatches("a/**", ["a/b", "a/b/c"], ["a", "b/a"]);
  assertMatches("**", ["a", "a/b"], []);
});

test("hidden names are names like others", () => {
  assertMatches("*", [".git", "a/.git"], []);
  assertMatches("**/x", [".git/x"], []);
  assertMatches("?git", [".git"], []);
});

test("sets, classes and escapes", () => {
  assertMatches("[a-c]x", ["ax", "cx"], ["dx", "-x"]);
  assertMatches("[!a-c]x", ["dx", ".x"], ["ax"]);
  assertMatches("[^a]", ["b"], ["a"]);
  assertMatches("[]]", ["]"], ["[]]"]);
  assertMatches("[!]]", ["a"], ["]"]);
  assertMatches("[a-]", ["a", "-"], ["b"]);
  assertMatches("[-a]", ["a", "-"], ["b"]);
  assertMatches("[[:digit:][:upper:]_]", ["7", "Q", "_"], ["q", "d", ":"]);
  assertMatches("[[:alpha:]]", ["é", "a"], ["1"]);
  assertMatches("[\\]a]", ["]", "a"], ["\\"]);
  assertMatches("[a", ["[a"], ["a"]);
  assertMatches("[]", ["[]"], ["a", "["]);
  assertMatches("[!]", ["[!]"], ["a", "!"]);
  assertMatches("a\\*b", ["a*b"], ["axb"]);
  assertMatches("a\\\\b", ["a\\b"], ["ab"]);
  assertMatches("!x", ["!x"], ["y"]);
  assertMatches("#x", ["#x"], []);
  assertMatches("A", ["A"], ["a"]);
  assertMatches("?", ["😀", "é", "\n"], ["ab"]);
});

test("braces are either text", () => {
  assertMatches("*.{jpg,png}", ["x.jpg", "a/x.png"], ["x.gif"]);
  assertMatches("a{b,c{d,e},}f", ["abf", "acdf", "acef", "af"], ["acf", "adf"]);
  assertMatches("{a/b,c}", ["a/b", "c", "x/c"], ["b", "x/a/b"]);
  assertMatches("{a}", ["{a}"], ["a"]);
  assertMatches("{a,b", ["{a,b"], ["a"]);
  assertMatches("a\\{b,c}", ["a{b,c}"], ["ab"]);
  assertMatches("{{a,b}", ["{a", "{b"], ["a"]);
});

test("a path may be written with ./ and a slash at its end, as archives do", () => {
  assertMatches("a/b", ["./a/b/", "a//b", "/a/b"], ["./b"]);
});

test("what cannot match anything is refused", () => {
  const wrong = [
    "",
    "/",
    "./",
    "a\\",
    "../a",
    "a/../b",
    "[b-a]",
    "[[:nonsense:]]",
    "{a,b}".repeat(20),
    "a".repeat(5000),
  ];
  for (const pattern of wrong) assert.throws(() => glob.parse(pattern), Error, pattern);
});

test("no pattern takes long, however many stars it has", () => {
  assert.equal(matches(`/${"*a".repeat(50)}b`, "a".repeat(4000)), false);
  assert.equal(matches(`/${"**/a/".repeat(50)}b`, "a/".repeat(2000)), false);
});

test("any text, escaped, matches itself and nothing else", () => {
  const unit = fc.constantFrom(...Array.from("ab*?[]{},!^-:\\.~é😀 \n\t\"'$"));
  const name = fc.string({ minLength: 1, unit }).filter((text) => !/^\.\.?$/.test(text));
  const escaped = (text: string) => text.replace(/./gsu, "\\$&");
  fc.assert(
    fc.property(name, name, (one, other) => {
      assert.equal(matches(`/${escaped(one)}`, one), true);
      assert.equal(matches(`/${escaped(one)}`, other), one === other);
    }),
  );
});

test("patterns mean what they mean to Node's own matcher, where that is about the same", () => {
  const part = fc.constantFrom("a", "b", "ab", "*", "?", "[ab]", "[!a]", "{a,b}", "{a,*b}");
  const name = fc.oneof(
    { weight: 4, arbitrary: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("")) },
    { weight: 1, arbitrary: fc.constant("**") },
  );
  const pattern = fc
    .array(name, { minLength: 1, maxLength: 4 })
    .filter((names) => !names.some((each) => /^\*{3}/.test(each)));
  const path = fc.array(fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 4 }), {
    minLength: 1,
    maxLength: 5,
  });
  fc.assert(
    fc.property(pattern, path, (names, parts) => {
      const reference = names.length === 1 ? `**/${names[0]!}` : names.join("/");
      const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
      const expected = prefixes.some((prefix) => posix.matchesGlob(prefix, reference));
      assert.equal(matches(names.join("/"), parts.join("/")), expected);
    }),
    { numRuns: 1000 },
  );
});
