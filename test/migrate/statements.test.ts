import assert from "node:assert/strict";
import { suite, test } from "node:test";
import fc from "fast-check";
import { tokens } from "../../src/migrate/lexer.ts";
import { statements } from "../../src/migrate/statements.ts";

const split = (sql: string): string[] => [...statements(sql)].map(({ start, end }) => sql.slice(start, end));

/** Each holds a semicolon that ends nothing. */
const sealed = {
  string: "select 'a;b'",
  "doubled quote": "select 'it''s; fine'",
  "backslash in a plain string": "select '\\' , 'x;y'",
  "escape string": "select E'it\\'s; fine'",
  "escape string with a doubled quote": "select e'a'';\\\\'",
  "escape string that goes on in the next line": "select E'a'\n  'b\\';c'",
  "escape string that goes on behind a comment": "select E'a' -- no;\n 'b\\';c'",
  "unicode string": "select U&'d\\0061t;' uescape '\\'",
  "bit string": "select B'01;'",
  "quoted name": 'select 1 as "a;b"',
  "quoted name with a doubled quote": 'select 1 as "a"";b"',
  "unicode name": 'select 1 as U&"a;b"',
  "dollar quotes": "do $$ begin; end $$",
  "dollar quotes with a tag": "select $q$ $$ ; $x$ $q$",
  "dollar quotes with a tag of letters from everywhere": "select $é1$ ; $é1$",
  "line comment": "select 1 -- a;b\n + 2",
  "block comment": "select /* a;b */ 1",
  "nested block comment": "select /* a /* b; */ c; */ 1",
  parentheses: "create rule r as on insert to t do also (select 1; select 2)",
  "body of an SQL function":
    "create function f() returns int language sql begin atomic select 1; select 2; end",
  "body with a case":
    "create or replace procedure p() begin atomic select case when true then 1 end; select 2; end",
  "body with end as a name":
    "create function f() returns int begin atomic select t.end from t; select 1 as end; end",
};

suite("a semicolon ends no statement inside of", () => {
  for (const [name, sql] of Object.entries(sealed)) {
    test(name, () => assert.deepEqual(split(`${sql};\n${sql} ;`), [sql, sql]));
  }
});

test("a dollar sign within a name begins no quotes", () => {
  assert.deepEqual(split("select a$b$ ; select c$b$ ;"), ["select a$b$", "select c$b$"]);
});

test("a parameter is no dollar quote", () => {
  assert.deepEqual(split("select $1; select $2"), ["select $1", "select $2"]);
});

test("BEGIN, CASE and END of other statements open nothing", () => {
  assert.deepEqual(split("begin; select case when true then 1 end; end; select 1"), [
    "begin",
    "select case when true then 1 end",
    "end",
    "select 1",
  ]);
});

suite("with standard_conforming_strings off", () => {
  const escaped = "select 'it\\'s;'";
  for (const off of [
    "set standard_conforming_strings = off",
    "SET session Standard_conforming_strings TO 'false'",
  ]) {
    test(`a backslash escapes in strings, until it is on again: ${off}`, () => {
      for (const on of [
        "set standard_conforming_strings to on",
        "reset standard_conforming_strings",
        "reset all",
      ]) {
        const all = [off, escaped, "select 1", on, "select '\\'", "select 2"];
        assert.deepEqual(split(all.join("; ")), all);
      }
    });
  }
});

suite("COPY", () => {
  const data = "1\t'\n;\\\\.\n--\n";
  const withData = (sql: string): string[] =>
    [...statements(sql)].map((each) => (each.data ? sql.slice(each.data.start, each.data.end) : "none"));

  for (const copy of [
    "copy t from stdin",
    'COPY public."T;" ("from", b) FROM STDIN WITH (FORMAT csv, NULL \';\')',
    "copy /* to */ t\nfrom -- here\nstdout",
  ]) {
    test(`takes the lines behind its own for data: ${copy}`, () => {
      for (const end of ["\\.\n", "\\.\r\n", "\\."]) {
        const sql = `select 1; ${copy}; -- it's data;\n${data}${end}`;
        assert.deepEqual(withData(sql), ["none", data]);
        assert.deepEqual(withData(`${sql}${end.endsWith("\n") ? "select 2" : "\nselect 2;"}`), [
          "none",
          data,
          "none",
        ]);
      }
    });
  }

  for (const other of [
    "copy t to stdout",
    "copy t from 'stdin'",
    'copy t from "stdin"',
    "copy (select a from stdin) to stdout",
    "select 1 from stdin",
  ]) {
    test(`has no data in the file: ${other}`, () => {
      assert.deepEqual(withData(`${other};\nselect 2;\n\\.\n`).slice(0, 2), ["none", "none"]);
    });
  }

  test("has data without an end where nothing ends them", () => {
    assert.deepEqual(withData("copy t from stdin;\n1\n \\.\n"), ["1\n \\.\n"]);
    assert.deepEqual(withData("copy t from stdin"), [""]);
  });
});

test("empty statements and comments are no statements", () => {
  assert.deepEqual(split(";; -- a\n ; /* b */ ;"), []);
});

test("what is not ended reaches to the end of the text", () => {
  for (const open of ["'a;", '"a;', "$$ a;", "$x$ a; $$", "E'a\\';", "(a;"]) {
    assert.deepEqual(split(`select 1; select ${open}`), ["select 1", `select ${open}`]);
  }
  assert.deepEqual(split("select 1; /* a;"), ["select 1"]);
});

test("statements tell their first words", () => {
  const [first, second] = [...statements('/* x */ Alter -- y\n table t add c int; "commit"')];
  assert.deepEqual(first!.words, ["ALTER", "TABLE", "T", "ADD"]);
  assert.deepEqual(second!.words, []);
});

const anything = fc.string({ unit: "grapheme", maxLength: 20 });
const tag = fc.stringMatching(/^[a-z_]{0,3}$/);
const piece = fc.oneof(
  fc.constantFrom("select", "1", "a.b", "$1", "+", "::int", ",", "(1)", "e", "x1", "1e5", "end", "case"),
  anything.map((text) => `'${text.replaceAll("'", "''")}'`),
  anything.map((text) => `E'${text.replaceAll("\\", "\\\\").replaceAll("'", "\\'")}'`),
  anything.map((text) => `"${text.replaceAll('"', '""')}"`),
  fc.tuple(tag, anything).map(([name, text]) => `$${name}$${text.replaceAll("$", "")}$${name}$`),
  anything.map((text) => `/*${text.replaceAll(/[*/]/g, "")}*/1`),
  anything.map((text) => `--${text.replaceAll(/[\r\n]/g, "")}\n2`),
);
const statement = fc
  .array(piece, { minLength: 1, maxLength: 6 })
  .map((pieces) => `select ${pieces.join(" ")} end_`);

test("statements that were joined are split where they were joined", () => {
  fc.assert(
    fc.property(fc.array(statement, { maxLength: 6 }), (all) => {
      assert.deepEqual(split(all.join(";")), all);
      assert.deepEqual(split(all.map((each) => `\n${each} ;`).join("\r\n")), all);
    }),
    { numRuns: 500 },
  );
});

/** Whatever opens or ends something, in any order. */
const fragment = fc.oneof(
  anything,
  fc.constantFrom(
    "'",
    '"',
    "$$",
    "$a$",
    "/*",
    "*/",
    "--",
    "\n",
    ";",
    "\\",
    "E'",
    "U&'",
    "(",
    ")",
    "a$b$",
    ":x",
  ),
  fc.constantFrom("copy t from stdin;\n", "\n\\.\n", "set standard_conforming_strings = off;", "reset all;"),
  fc.constantFrom("create function f() ", "begin atomic ", "case ", " end", " as "),
);

test("of any text, statements leave out nothing but semicolons, blanks, comments and data", () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
      const sql = fragments.join("");
      const outside = [...tokens(sql)].filter(({ kind }) => kind !== ";");
      for (const { start, end, data } of statements(sql)) {
        assert.equal(outside[0]?.start, start);
        const inside = outside.splice(0, outside.filter((token) => token.end <= end).length);
        assert.ok(inside.at(-1)!.end === end || sql[end - 1] === ";");
        assert.ok(!data || data.start >= end);
      }
      assert.deepEqual(outside, []);
    }),
    { numRuns: 1000 },
  );
});

test("ten megabytes of one string, and of many statements, are no trouble", () => {
  assert.equal(split(`select '${"a''".repeat(3_000_000)}'; select 2`).length, 2);
  assert.equal(split("insert into t values (1, 'x');\n".repeat(300_000)).length, 300_000);
});
