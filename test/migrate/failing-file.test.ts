import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

suite("a file that fails", () => {
  test("is rolled back as a whole; those before it stay, and a run with a mended file completes", async () => {
    await using place = await site({
      ...three,
      "3_bad.sql": "create table half ();\ninsert into a values ('x');",
    });
    const run = await place.run();
    const { message, permanent, report } = failed(run, "sql");
    assert.match(message, /3_bad\.sql:2:23.*22P02/);
    assert.ok(permanent);
    assert.deepEqual(report, { applied: ["1_a.sql", "2_b.sql"] });
    assert.equal(await place.exists("half"), false);
    assert.deepEqual(await place.history(), ["1_a.sql", "2_b.sql"]);

    await place.put({ "3_bad.sql": "create table half ()" });
    ended(await place.run(), "done", ["3_bad.sql", "10_c.sql"]);
  });

  const placed: Readonly<Record<string, readonly [content: string, place: string]>> = {
    "behind an emoji and CRLF line ends": ["-- 😀\r\nselect 1;\r\nselect '😀é', nope;\r\n", "1_x.sql:3:14"],
    "behind a BOM": ["\ufeffselect nope", "1_x.sql:1:8"],
    "in a section": ["-- migrate:up\nselect 1;\n  selec 2;\n-- migrate:down\nselect nope;", "1_x.sql:3:3"],
    "that PostgreSQL names no position for": [
      "select 1;\n\n  -- here\n  select 1/(1-1) from pg_class;\nselect 2;",
      "1_x.sql:4:3",
    ],
    "within a function": [
      "create function f() returns int language plpgsql as $$ begin return 1/0; end $$;\nselect f();",
      "1_x.sql:2:1",
    ],
    "in the data of a COPY": [
      "create table t (id int);\r\ncopy t from stdin;\r\n1\r\nnope\r\n\\.\r\nselect 1;\r\n",
      "1_x.sql:4:1",
    ],
    "behind the data of a COPY": [
      "create temp table t (); copy t from stdin;\n\\.\n\n select nope;",
      "1_x.sql:4:9",
    ],
    "behind a value of a variable": ["select :'word', :'word', nope", "1_x.sql:1:26"],
    "on a very long line": [`select '${"x".repeat(5000)}', nope`, "1_x.sql:1:5012"],
  };
  for (const [where, [content, expected]] of Object.entries(placed)) {
    test(`says where it failed ${where}`, async () => {
      await using place = await site({ "1_x.sql": content });
      const { message } = failed(await place.run(["--var", "word=It's 😀 long"]), "sql");
      assert.ok(message.startsWith(`${expected}: `), message);
      assert.ok(message.length < 1000);
    });
  }

  test("shows the line with a caret below the place, and what the server adds", async () => {
    await using place = await site({ "1_x.sql": "create table t (name text);\nselect\tnmae from t;" });
    const { message } = failed(await place.run(), "sql");
    const [, source, caret, ...more] = message.split("\n");
    assert.equal(source, "  2 | select nmae from t;");
    assert.equal(caret, "             ^");
    assert.match(more.join("\n"), /^HINT: .*name/);
  });

  test("is told by its number as well, with the constraint and what the server was doing", async () => {
    await using place = await site({
      "1_x.sql":
        "create table t (id int constraint positive check (id > 0));\nselect 1; do $$ begin insert into t values (0); end $$;",
    });
    const { message } = failed(await place.run(), "sql");
    assert.match(message, /^1_x\.sql:2:11: .*\(SQLSTATE 23514, statement 3\)\n/);
    assert.match(message, /^CONSTRAINT: positive$/m);
    assert.match(message, /^DETAIL: .*\n.*^WHERE: SQL statement/ms);
  });

  test("at its COMMIT, for a deferred constraint, is rolled back too", async () => {
    const content =
      "create table t (id int primary key, up int references t deferrable initially deferred);\ninsert into t values (1, 2);";
    await using place = await site({ "1_x.sql": content });
    const { message } = failed(await place.run(), "sql");
    assert.match(message, /^1_x\.sql, at COMMIT: .*23503[^]*DETAIL/);
    assert.equal(await place.exists("t"), false);
    assert.deepEqual(await place.history(), []);
  });

  test("with statement-timeout is one that took longer than that; without it, the role's own does not count", async () => {
    await using place = await site({ "1_x.sql": "create table t (); select pg_sleep(0.2)" });
    await place.query(
      "alter role postgres in database " +
        new URL(place.url).pathname.slice(1) +
        " set statement_timeout = '50ms'",
    );
    assert.match(failed(await place.run(["--statement-timeout", "100ms"]), "sql").message, /57014/);
    assert.equal(await place.exists("t"), false);
    ended(await place.run(), "done", ["1_x.sql"]);
  });

  for (const [what, content] of Object.entries({
    COMMIT: "create table t ();\n commit;\ncreate table u ();",
    "BEGIN and COMMIT": "begin;\ncreate table t ();\n/* ; */ END;",
    ROLLBACK: "create table t ();\nrollback work;",
  })) {
    test(`since it holds ${what}, fails before anything is applied`, async () => {
      await using place = await site({ "1_a.sql": "create table a ()", "2_x.sql": content });
      assert.match(failed(await place.run(), "configuration").message, /^2_x\.sql:[23]:/);
      assert.equal(await place.exists("a"), false);
    });
  }

  test("is none where COMMIT and ROLLBACK stand in strings, functions and savepoints", async () => {
    const content =
      "do $$ begin perform 'commit;'; end $$; savepoint x; select 1; rollback to savepoint x;" +
      "create procedure p() language plpgsql as $$ begin commit; end $$;";
    await using place = await site({ "1_x.sql": content });
    ended(await place.run(), "done", ["1_x.sql"]);
  });
});
