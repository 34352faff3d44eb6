import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { initkit } from "../helpers/initkit.ts";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

test("the sections that undo are never run", async () => {
  await using place = await site({
    "1_dbmate.sql": "-- migrate:up\ncreate table d ();\n\n-- migrate:down\ndrop table d;",
    "2_goose.sql":
      "-- +goose Up\n-- +goose StatementBegin\ncreate table g ();\n-- +goose StatementEnd\n-- +goose Down\ndrop table g;",
    "3_node.sql": "-- Up Migration\ncreate table n ();\n-- Down Migration\ndrop table n;",
    "4_golang.up.sql": "create table o ()",
    "4_golang.down.sql": "drop table o",
  });
  assert.equal((await place.run()).status, "done");
  for (const table of ["d", "g", "n", "o"]) assert.equal(await place.exists(table), true, table);
});

test("what the server says beside its answers is logged with the file's name", async () => {
  const content = "drop table if exists nothing; do $$ begin raise warning 'watch\nout'; end $$";
  await using place = await site({ "1_x.sql": content });
  const { logs } = await place.run();
  const told = logs.filter(({ message }) => message.startsWith("1_x.sql: "));
  assert.deepEqual(
    told.map(({ level }) => level),
    ["info", "warn"],
  );
  assert.ok(told.every(({ message }) => !message.includes("\n")));
});

test("what a file sets does not reach the next file, nor the history", async () => {
  await using place = await site({
    "1_set.sql":
      "create schema elsewhere; create role limited; grant usage, create on schema elsewhere to limited;" +
      "set role limited; set search_path = elsewhere; set statement_timeout = '300ms'; set standard_conforming_strings = off;" +
      "create temp table scratch (); prepare p as select 1; select set_config('search_path', '', false);",
    "2_look.sql":
      "create temp table scratch (); prepare p as select 1; create table here (who text, path text);" +
      "insert into here values (current_user, current_setting('search_path')); select pg_sleep(0.4);",
  });
  ended(await place.run(), "done", ["1_set.sql", "2_look.sql"]);
  assert.deepEqual(await place.query("select * from public.here"), [
    { who: "postgres", path: '"$user", public' },
  ]);
  await place.query("drop owned by limited; drop role limited");
});

suite("COPY … FROM STDIN", () => {
  const rows = "1\tone;--'\n2\t\\N\n\\.\n";
  const copied = [
    { id: 1, name: "one;--'" },
    { id: 2, name: null },
  ];
  for (const mark of ["", "-- initkit: no-transaction\n"]) {
    test(`takes the lines below it for data ${mark ? "without" : "in"} a transaction`, async () => {
      await using place = await site({
        "1_x.sql": `${mark}create table t (id int, name text);\nCOPY public.t (id, name) FROM stdin; -- data\n${rows}insert into t values (3);\ncopy t from stdin\n;\n\\.\n`,
      });
      ended(await place.run(), "done", ["1_x.sql"]);
      assert.deepEqual(await place.query("select * from t order by id"), [...copied, { id: 3, name: null }]);
    });
  }

  test("sends more data than a connection buffers, and finds the line that is wrong in them", async () => {
    const lines = Array.from({ length: 200_000 }, (_, at) => `${at}\tsome text for the row 😀\n`);
    await using place = await site({ "1_t.sql": "create table t (id int, name text)" });
    await place.put({ "2_data.sql": `copy t from stdin;\n${lines.join("")}\\.\n` });
    ended(await place.run(), "done", ["1_t.sql", "2_data.sql"]);
    assert.equal(await place.value("select count(*)::int from t"), 200_000);
    lines[1000] = "x\n";
    await place.put({ "3_more.sql": `\n\ncopy t from stdin;\n${lines.join("")}\\.\n` });
    assert.match(failed(await place.run(), "sql").message, /^3_more\.sql:1004:1: /);
    ended(await place.run(["--to", "2"]), "unchanged");
  });

  for (const [what, sql, expected] of [
    ["without the line that ends them", "copy t from stdin;\n1\n", "1_x.sql:2:1"],
    ["without a semicolon before them", "copy t from stdin", "1_x.sql:1:18"],
    ["behind other SQL on the same line", "copy t from stdin; select 1;\n1\n\\.\n", "1_x.sql:1:20"],
  ] as const) {
    test(`refuses data ${what}, before anything is applied`, async () => {
      await using place = await site({ "0_t.sql": "create table t (id int)", "1_x.sql": sql });
      assert.ok(failed(await place.run(), "configuration").message.startsWith(`${expected}: `));
      assert.equal(await place.exists("t"), false);
    });
  }
});

suite("commands of psql", () => {
  test("that pg_dump writes are passed over", async () => {
    await using place = await site({
      "1_x.sql": "\\restrict aB3\n\ncreate table t ();\n\n\\unrestrict aB3\n",
    });
    ended(await place.run(), "done", ["1_x.sql"]);
  });

  for (const command of [
    "\\connect other",
    "\\i more.sql",
    "\\set a b",
    "\\gexec",
    "\\.",
    "\\copy t from x",
  ]) {
    test(`are refused before anything is applied: ${command}`, async () => {
      await using place = await site({
        "1_a.sql": "create table a ()",
        "2_x.sql": `select 1\n  ${command}\n`,
      });
      const { message, hint } = failed(await place.run(), "configuration");
      assert.ok(message.startsWith("2_x.sql:2:3: ") && message.includes(JSON.stringify(command)), message);
      assert.ok(hint);
      assert.equal(await place.exists("a"), false);
    });
  }
});

suite("variables", () => {
  test("stand for numbers and names, texts, and names in quotes, whatever is in them", async () => {
    await using place = await site({
      "1_x.sql": `create table :"table" as select :'text' as text, -:less::int as less, 10-:less as more, 2*:many as many;
        comment on table :"table" is :'text'; create table app_:stage ();`,
    });
    const text = `it's "so" \\ ; drop table x; -- $$`;
    const values = { table: 'My "table"', text, less: "-1.5", many: "3", stage: "prod" };
    const words = Object.entries(values).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
    ended(await place.run(words), "done", ["1_x.sql"]);
    assert.deepEqual(await place.query('select text, less, more::text, many from "My ""table"""'), [
      { text, less: 2, more: "11.5", many: 6 },
    ]);
    assert.equal(await place.exists("app_prod"), true);
  });

  test("of another value are no edit, also where a file without a transaction goes on", async () => {
    const done = "-- initkit: no-transaction\ncreate table t as select :'a' as a;";
    await using place = await site({ "1_x.sql": `${done} vacuum nothing;` });
    failed(await place.run(["--var", "a=1"]), "sql");
    await place.put({ "1_x.sql": `${done} vacuum t;` });
    ended(await place.run(["--var", "a=2 and longer"]), "done", ["1_x.sql"]);
    ended(await place.run(["--var", "a=3"]), "unchanged");
    assert.equal(await place.value("select a from t"), "1");
  });

  test("that are not defined stay as they are, and so does what only looks like one", async () => {
    await using place = await site({
      "1_x.sql":
        "create table t as select (array[1, 2, 3])[1:2] as a, '1'::int as i, ':x' as s, $$:x$$ as d, 1 as \":x\"",
      "2_y.sql": "select 1 where 1 = :other",
    });
    const { message, hint } = failed(await place.run(["--var", "x=9", "--var", "int=text"]), "sql");
    assert.match(message, /^2_y\.sql:1:20: /);
    assert.match(hint!, /var NAME=VALUE/);
    assert.deepEqual(await place.query("select * from t"), [{ a: [1, 2], i: 1, s: ":x", d: ":x", ":x": 1 }]);
  });

  for (const value of ["", "a b", "a.b", "1; drop table a", "'x'", "--", "1e", "$$", "now()"]) {
    test(`are refused without quotes when they are neither number nor name: ${JSON.stringify(value)}`, async () => {
      await using place = await site({ "1_a.sql": "create table a ()", "2_x.sql": "\n select :x" });
      const { message } = failed(await place.run(["--var", `x=${value}`]), "configuration");
      assert.ok(message.startsWith("2_x.sql:2:9: "), message);
      assert.equal(await place.exists("a"), false);
    });
  }

  test("are a configuration error with a name that is none, or twice", async () => {
    await using place = await site(three);
    for (const words of [
      ["--var", "a"],
      ["--var", "a-b=1"],
      ["--var", "a=1", "--var", "a=2"],
    ]) {
      const run = await place.run(words);
      assert.equal(run.status, "rejected");
      failed(run, "configuration");
    }
  });

  test("that hold secrets are never shown, in quotes neither", async () => {
    await using place = await site({ "1_x.sql": "select 1 :'api_token'" });
    const hidden = "t0p's\\ecret";
    await place.put({ secret: `${hidden}\n` });
    for (const value of [hidden, `\${file:${join(place.folder, "secret")}}`]) {
      const words = ["migrate", place.folder, "--var", `api_token=${value}`];
      const run = await initkit(words, { env: { DATABASE_URL: place.url } });
      assert.equal(run.exitCode, 22, run.stderr);
      assert.match(run.stderr, /42601/);
      assert.doesNotMatch(run.stderr, /t0p|ecret/);
    }
  });

  test("are a mapping in a document", async () => {
    await using place = await site({ "1_x.sql": "create table :name (id int default :n)" });
    const steps = JSON.stringify([{ migrate: place.folder, var: { name: "made", n: 7 } }]);
    const run = await initkit([], { env: { DATABASE_URL: place.url, INITKIT_STEPS: steps } });
    assert.equal(run.exitCode, 0, run.stderr);
    assert.equal(await place.exists("made"), true);
  });
});
