import assert from "node:assert/strict";
import { rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import pgPackage from "pg";
import { Failure } from "../../src/failure.ts";
import { lockKeyOf } from "../../src/migrate/history.ts";
import { type Ended, initkit } from "../helpers/initkit.ts";
import {
  ended,
  failed,
  type Files,
  type Row,
  type Session,
  type Site,
  siteOn,
} from "../helpers/migration-site.ts";
import { startTransactionPooler } from "../helpers/pooler.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

const three = {
  "1_a.sql": "create table a (id int primary key);",
  "2_b.sql": "create table b (id int references a);",
  "10_c.sql": "insert into a values (1); insert into b values (1);",
};

suite("migrate", () => {
  test("applies what is pending, in the order of the versions, and finds nothing to do the next time", async () => {
    await using place = await site(three);
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
    assert.deepEqual(await place.history(), ["1_a.sql", "2_b.sql", "10_c.sql"]);
    const before = await place.query("select * from initkit_migrations order by version");
    ended(await place.run(), "unchanged");
    assert.deepEqual(await place.query("select * from initkit_migrations order by version"), before);

    await place.put({ "11_d.sql": "insert into a values (2)" });
    ended(await place.run(), "done", ["11_d.sql"]);
    assert.equal(await place.value("select count(*)::int from a"), 2);
  });

  test("takes the database from DATABASE_URL or from the PG* variables", async () => {
    await using place = await site(three);
    const words = [place.folder, "--timeout", "60s"];
    ended(
      await runTask("migrate", words, { env: { DATABASE_URL: place.url } }),
      "done",
      Object.keys(three).sort(byNumber),
    );
    const { hostname, port, pathname } = new URL(place.url);
    const env = { PGHOST: hostname, PGPORT: port, PGUSER: "postgres", PGDATABASE: pathname.slice(1) };
    ended(await runTask("migrate", words, { env }), "unchanged");
  });

  test("is a configuration error without a database, and with options that contradict each other", async () => {
    await using place = await site(three);
    for (const words of [[], ["--database", place.url, "--wait-only", "--dry-run"]]) {
      const run = await runTask("migrate", [place.folder, ...words]);
      assert.equal(run.status, "rejected");
      failed(run, "configuration");
    }
  });

  test("is a configuration error with a URL that cannot be read, and shows no password", async () => {
    await using place = await site(three);
    for (const url of [
      "mysql://u:s3cr3t@db/x",
      "postgres:u:s3cr3t@db/x",
      "postgres://u:s3cr3t/s3cr3t@db/x",
    ]) {
      for (const run of [
        await initkit(["migrate", place.folder, "--database", url]),
        await initkit(["migrate", place.folder], { env: { DATABASE_URL: url } }),
      ]) {
        assert.equal(run.exitCode, 2, run.stderr);
        assert.doesNotMatch(run.stderr, /s3cr3t/);
      }
    }
  });

  test("fails with access where the folder is not there", async () => {
    const run = await runTask("migrate", ["/nowhere/at/all", "--database", pg.url]);
    failed(run, "access");
  });

  test("finds nothing to do in an empty folder, with a warning", async () => {
    await using place = await site({});
    const run = await place.run();
    ended(run, "unchanged");
    assert.ok(run.logs.some(({ level }) => level === "warn"));
  });

  test("applies a single file, which may have no version", async () => {
    await using place = await site({ "seed.sql": "create table seeded ()", "other.sql": "nonsense" });
    const words = [join(place.folder, "seed.sql"), "--database", place.url];
    ended(await runTask("migrate", words), "done", ["seed.sql"]);
    ended(await runTask("migrate", words), "unchanged");
    await place.put({ "seed.sql": "create table other ()" });
    failed(await runTask("migrate", words), "history");
  });

  test("repeats R__ files whenever their text changes, after the others", async () => {
    await using place = await site({ "R__v.sql": "create or replace view v as select id from a", ...three });
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql", "R__v.sql"]);
    ended(await place.run(), "unchanged");
    await place.put({ "R__v.sql": "create or replace view v as select id, 1 as more from a" });
    ended(await place.run(), "done", ["R__v.sql"]);
    assert.deepEqual(await place.query("select * from v"), [{ id: 1, more: 1 }]);
  });
});

const byNumber = (a: string, b: string): number => Number.parseInt(a) - Number.parseInt(b);

suite("the history", () => {
  test("does not mind other line ends, a BOM, or another name of an applied file", async () => {
    await using place = await site({ "1_a.sql": "create table a (id int);\n\ncreate table b ();\n" });
    ended(await place.run(), "done", ["1_a.sql"]);
    await place.put({ "1_a.sql": "\ufeffcreate table a (id int);\r\n\r\ncreate table b ();" });
    ended(await place.run(), "unchanged");
    await rename(join(place.folder, "1_a.sql"), join(place.folder, "V01.0__renamed.sql"));
    ended(await place.run(), "unchanged");
  });

  test("contradicts an edited file, a missing one, and a late one, and nothing is applied", async () => {
    await using place = await site(three);
    await place.run();
    await place.put({
      "1_a.sql": "-- other",
      "3_late.sql": "create table late ()",
      "11_d.sql": "create table d ()",
    });
    await place.remove("2_b.sql");
    const { message, permanent } = failed(await place.run(), "history");
    for (const name of ["1_a.sql", "2_b.sql", "3_late.sql"]) assert.ok(message.includes(name), message);
    assert.ok(permanent);
    assert.equal(await place.exists("d"), false);
  });

  test("lets a late file through with out-of-order", async () => {
    await using place = await site(three);
    await place.run();
    await place.put({ "3_late.sql": "create table late ()" });
    failed(await place.run(), "history");
    ended(await place.run(["--out-of-order"]), "done", ["3_late.sql"]);
  });

  test("may be ahead of the files of an older image, with a warning", async () => {
    await using place = await site(three);
    await place.run();
    await place.remove("10_c.sql");
    const run = await place.run();
    ended(run, "unchanged");
    assert.ok(run.logs.some(({ level, message }) => level === "warn" && message.includes("10_c.sql")));
  });

  test("stands in the schema and table that were named, which stands first on the path of every file", async () => {
    await using place = await site({
      "1_a.sql": "create table here ()",
      "2_b.sql": "create table public.there ()",
    });
    const words = ["--schema", "My app", "--table", "It's history"];
    ended(await place.run(words), "done", ["1_a.sql", "2_b.sql"]);
    ended(await place.run(words), "unchanged");
    assert.equal(await place.value(`select count(*)::int from "My app"."It's history"`), 2);
    assert.equal(await place.exists(`"My app".here`), true);
    assert.equal(await place.exists("public.there"), true);
  });

  test("is found along the whole search path", async () => {
    await using place = await site(three);
    await place.run();
    await place.query(`create schema postgres`);
    assert.equal(await place.value("select current_schema()"), "postgres");
    ended(await place.run(), "unchanged");
  });

  test("has no schema before its table, where it would begin anew in silence", async () => {
    await using place = await site(three);
    failed(await place.run(["--table", "app.history"]), "configuration");
    assert.equal(await place.exists("a"), false);
  });

  test("is not another tool's table of that name", async () => {
    await using place = await site(three);
    await place.query("create table schema_migrations (version varchar primary key)");
    failed(await place.run(["--table", "schema_migrations"]), "configuration");
    assert.equal(await place.exists("a"), false);
  });
});

suite("how far:", () => {
  test("to a version", async () => {
    await using place = await site({ ...three, "R__v.sql": "create or replace view v as select * from b" });
    ended(await place.run(["--to", "2.0"]), "done", ["1_a.sql", "2_b.sql"]);
    ended(await place.run(["--to", "2"]), "unchanged");
    ended(await place.run(["--to", "10"]), "done", ["10_c.sql", "R__v.sql"]);
  });

  test("dry-run says what would be applied and touches nothing", async () => {
    await using place = await site(three);
    const run = await place.run(["--dry-run", "--schema", "fresh"]);
    assert.equal(run.status, "unchanged");
    assert.deepEqual(run.report["pending"], ["1_a.sql", "2_b.sql", "10_c.sql"]);
    for (const name of Object.keys(three))
      assert.ok(run.logs.some(({ message }) => message.includes(`${name}: not applied yet`)));
    assert.equal(await place.value("select count(*)::int from pg_class where relname like '%initkit%'"), 0);
    assert.equal(await place.value("select count(*)::int from pg_namespace where nspname = 'fresh'"), 0);
  });

  test("wait-only waits until another has applied everything, and applies nothing", async () => {
    await using place = await site(three);
    failed(await place.run(["--wait-only", "--timeout", "300ms"]), "database-unavailable");
    assert.equal(await place.exists("initkit_migrations"), false);
    const waiting = place.run(["--wait-only"]);
    await place.until("application_name = 'initkit'");
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
    ended(await waiting, "unchanged");
  });
});

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

suite("many at once", () => {
  const slow = Object.fromEntries(
    Array.from({ length: 6 }, (_, at) => [
      `${at + 1}_x.sql`,
      `create table t${at} (id int); insert into t${at} values (1); select pg_sleep(0.02);`,
    ]),
  );

  test("eight on an empty database all end well, and every file is applied once", async () => {
    await using place = await site(slow);
    const runs = await Promise.all(Array.from({ length: 8 }, () => place.run(["--schema", "fresh"])));
    for (const { failure } of runs) assert.equal(failure?.message, undefined);
    const applied = runs.flatMap(({ report }) => report["applied"] as string[]);
    assert.deepEqual(applied.sort(), Object.keys(slow).sort());
    for (const at of Object.keys(Object.values(slow))) {
      assert.equal(await place.value(`select count(*)::int from fresh.t${at}`), 1);
    }
  });

  test("processes that start together do so too", async () => {
    await using place = await site(slow);
    const start = () =>
      initkit(["migrate", place.folder, "--timeout", "60s"], { env: { DATABASE_URL: place.url } });
    const runs = await Promise.all([start(), start(), start()]);
    assert.deepEqual(
      runs.map(({ exitCode }) => exitCode),
      [0, 0, 0],
      runs.map(({ stderr }) => stderr).join("\n"),
    );
    assert.equal((await place.history()).length, 6);
  });

  test("CREATE INDEX CONCURRENTLY is not held up by those that wait", async () => {
    await using place = await site({
      "1_a.sql": "create table a as select generate_series(1, 1000) as id; select pg_sleep(0.3)",
      "2_b.sql": "-- initkit: no-transaction\ncreate index concurrently a_id on a (id);\n",
      "3_c.sql": "create table c ()",
    });
    const runs = await Promise.all(Array.from({ length: 5 }, () => place.run()));
    for (const { failure } of runs) assert.equal(failure, undefined);
    assert.equal(
      await place.value("select indisvalid from pg_index where indexrelid = 'a_id'::regclass"),
      true,
    );
    assert.deepEqual(await place.history(), ["1_a.sql", "2_b.sql", "3_c.sql"]);
  });
});

suite("the lock", () => {
  /** Holds it as another replica would. */
  async function hold(place: Site): Promise<Session> {
    const session = await place.session();
    await session.query("set application_name = 'initkit/other-pod'");
    const key = lockKeyOf({ schema: "public", table: "initkit_migrations", exists: false, standby: false });
    await session.query("select pg_advisory_lock($1)", [String(key)]);
    return session;
  }

  for (const limit of ["--lock-timeout", "--timeout"]) {
    test(`is waited for as long as ${limit} says, and the failure names who has it`, async () => {
      await using place = await site(three);
      await using holder = await hold(place);
      const run = await place.run([limit, "500ms"]);
      const { message } = failed(run, "database-unavailable");
      const [row] = (await holder.query("select pg_backend_pid() as pid")).rows as [Row];
      assert.match(message, new RegExp(`pid ${row["pid"]} .*initkit/other-pod`));
      assert.equal(await place.exists("initkit_migrations"), false);
    });
  }

  test("that is waited for is told in the log, with who has it and since when", async () => {
    await using place = await site(three);
    await using holder = await hold(place);
    const { logs } = await place.run(["--lock-timeout", "2500ms"]);
    const [row] = (await holder.query("select pg_backend_pid() as pid")).rows as [Row];
    const told = logs.filter(({ level, message }) => level === "info" && message.includes("waiting for"));
    assert.equal(told.length, 1);
    assert.match(told[0]!.message, new RegExp(`pid ${row["pid"]} .*initkit/other-pod.* connected for `));
  });

  test("is not needed when its holder has applied everything", async () => {
    await using place = await site(three);
    await place.run();
    const rows = await place.query("delete from initkit_migrations where version = '10' returning *");
    await using holder = await hold(place);
    const waiting = place.run();
    await place.until("query like '%pg_locks%' and application_name = 'initkit'");
    const columns = Object.keys(rows[0]!);
    await holder.query(
      `insert into initkit_migrations (${columns.join(", ")}) values (${columns.map((_, at) => `$${at + 1}`).join(", ")})`,
      Object.values(rows[0]!),
    );
    ended(await waiting, "unchanged");
  });

  test("is not needed when nothing is pending", async () => {
    await using place = await site(three);
    await place.run();
    await using _holder = await hold(place);
    ended(await place.run(["--timeout", "10s"]), "unchanged");
  });

  test("is free again after the step", async () => {
    await using place = await site(three);
    await place.run();
    await using _holder = await hold(place);
  });
});

test("a table that another session holds is tried again until it is free, or the time is over", async () => {
  await using place = await site({
    "1_a.sql": "create table a ()",
    "2_b.sql": "set lock_timeout = '50ms'; alter table a add column x int",
  });
  await place.run(["--to", "1"]);
  await using other = await place.session();
  await other.query("begin; select * from a");
  const { message } = failed(await place.run(["--timeout", "1s"]), "database-unavailable");
  assert.match(message, /2_b\.sql.*55P03/);

  const waiting = place.run(["--backoff", "10ms"]);
  await place.until("wait_event_type = 'Lock'");
  await other.query("commit");
  ended(await waiting, "done", ["2_b.sql"]);
});

suite("what another try can help", () => {
  /** Fails so at the first two attempts; what a sequence counts is not rolled back. */
  const failsTwice = (code: string): string =>
    `do $$ begin if nextval('attempts') < 3 then raise exception using errcode = '${code}'; end if; end $$`;

  for (const [what, code] of Object.entries({ deadlock: "40P01", "serialization failure": "40001" })) {
    test(`a ${what} rolls the file back and applies all of it again`, async () => {
      await using place = await site({ "1_x.sql": `create table t (); ${failsTwice(code)}` });
      await place.query("create sequence attempts");
      ended(await place.run(["--backoff", "10ms"]), "done", ["1_x.sql"]);
      assert.equal(await place.value("select last_value::int from attempts"), 3);
    });
  }

  test("a deadlock goes on behind what is done in a file without a transaction", async () => {
    await using place = await site({
      "1_x.sql": `-- initkit: no-transaction\ncreate table t (); ${failsTwice("40P01")}; vacuum t`,
    });
    await place.query("create sequence attempts");
    ended(await place.run(["--backoff", "10ms"]), "done", ["1_x.sql"]);
  });

  test("waiting for a lock is limited, but not for statements that keep nobody out", async () => {
    const tell =
      "create function tell(int) returns int immutable language plpgsql as $$ begin raise notice 'limit %', current_setting('lock_timeout'); return $1; end $$;";
    await using place = await site({
      "1_x.sql": `${tell} create table t as select 1 as id; select tell(1); create index concurrently on t (tell(id)); select tell(1);`,
      "2_y.sql":
        "-- initkit: no-transaction\nset lock_timeout = '7s'; create index concurrently on t (tell(id)); select tell(1)",
    });
    const { logs } = await place.run();
    const limits = logs.flatMap(({ message }) => /limit (.*)/.exec(message)?.[1] ?? []);
    assert.deepEqual([...new Set(limits)], ["5s", "0", "7s"]);
    assert.deepEqual(
      limits.filter((limit, at) => limit !== limits[at - 1]),
      ["5s", "0", "5s", "7s"],
    );
  });
});

suite("cut off", () => {
  const sleeping = { "1_a.sql": "create table a ()", "2_b.sql": "create table b (); select pg_sleep(600)" };
  const asleep = "wait_event = 'PgSleep'";
  const active = `select count(*)::int from pg_stat_activity where datname = current_database() and ${asleep}`;

  test("by a signal, it cancels the statement, rolls back and ends with the signal's failure", async () => {
    await using place = await site(sleeping);
    const stop = new AbortController();
    const reason = new Failure("signal", "SIGTERM", { signal: 15 });
    const running = place.run([], { signal: stop.signal });
    await place.until(asleep);
    const abortedAt = performance.now();
    stop.abort(reason);
    assert.equal((await running).failure, reason);
    assert.ok(performance.now() - abortedAt < 2000);
    assert.equal(await place.value(active), 0);
    assert.equal(await place.exists("b"), false);
    assert.deepEqual(await place.history(), ["1_a.sql"]);
  });

  test("by the timeout of the step, it says in which file", async () => {
    await using place = await site(sleeping);
    const { message } = failed(await place.run(["--timeout", "1s"]), "database-unavailable");
    assert.match(message, /2_b\.sql/);
    assert.equal(await place.value(active), 0);
  });

  test("while it waits for the lock, it ends at once", async () => {
    await using place = await site(sleeping);
    const first = new AbortController();
    const running = place.run([], { signal: first.signal });
    await place.until(asleep);
    const second = new AbortController();
    const waiting = place.run([], { signal: second.signal });
    await place.until("query like '%pg_locks%'");
    const reason = new Failure("signal", "SIGTERM", { signal: 15 });
    second.abort(reason);
    assert.equal((await waiting).failure, reason);
    first.abort(reason);
    await running;
  });

  test("by SIGTERM, the process ends with 143", async () => {
    await using place = await site(sleeping);
    const run = await killed(place, "SIGTERM", asleep);
    assert.equal(run.exitCode, 143);
    assert.ok(run.report?.["durationMs"] < 5000);
    assert.equal(await place.value(active), 0);
  });

  /** A real process, sent a signal when its session does what the condition says. */
  async function killed(place: Site, signal: "SIGTERM" | "SIGKILL", condition: string): Promise<Ended> {
    const started = Promise.withResolvers<{ kill(signal: string): void }>();
    const running = initkit(["migrate", place.folder], {
      env: { DATABASE_URL: place.url },
      onEvent: (_, child) => started.resolve(child as { kill(signal: string): void }),
    });
    const child = await started.promise;
    await place.until(condition);
    child.kill(signal);
    return await running;
  }

  test("by SIGKILL in a transaction, the next run ends as one clean run would", async () => {
    const gate = "select case when exists (select from gate) then pg_sleep(600) end;";
    await using place = await site({
      "1_a.sql": "create table a (id int); insert into a values (1);",
      "2_b.sql": `create table b (id int); insert into b values (1); ${gate}`,
      "3_c.sql": "insert into b values (2)",
    });
    await place.query("create table gate as select 1 as closed");
    assert.equal((await killed(place, "SIGKILL", asleep)).signal, "SIGKILL");
    await place.query("truncate gate");
    ended(await place.run(), "done", ["2_b.sql", "3_c.sql"]);
    assert.deepEqual(await place.query("select * from a"), [{ id: 1 }]);
    assert.deepEqual(await place.query("select * from b order by id"), [{ id: 1 }, { id: 2 }]);
  });

  test("by SIGKILL without a transaction, the next run goes on behind what is done", async () => {
    await using place = await site({
      "1_a.sql": "create table a (id int)",
      "2_b.sql": [
        "-- initkit: no-transaction",
        "set search_path = public, pg_catalog;",
        "insert into a values (1);",
        "create index concurrently a_id on a (id);",
        "insert into a values (2);",
      ].join("\n"),
    });
    await place.run(["--to", "1"]);
    await using other = await place.session();
    await other.query("begin isolation level repeatable read; select * from a");
    const building = "wait_event_type = 'Lock' and query like 'create index%'";
    const valid = "select indisvalid from pg_index where indrelid = 'a'::regclass";
    assert.equal((await killed(place, "SIGKILL", building)).signal, "SIGKILL");
    await place.until("application_name = 'initkit'", false);
    await other.query("commit");
    assert.deepEqual(await place.query(valid), [{ indisvalid: false }]);
    ended(await place.run(), "done", ["2_b.sql"]);
    assert.deepEqual(await place.query(valid), [{ indisvalid: true }]);
    assert.deepEqual(await place.query("select * from a order by id"), [{ id: 1 }, { id: 2 }]);
  });
});

suite("a file without a transaction", () => {
  const mark = "-- initkit: no-transaction\n";

  test("may hold what cannot run in one, among anything else", async () => {
    await using place = await site({
      "1_x.sql": `${mark}create table t (id int); insert into t values (1);
        vacuum t; create index concurrently on t (id); reindex table concurrently t;
        begin; insert into t values (2); savepoint s; insert into t values (3); rollback to s; commit;
        begin; insert into t values (4); rollback;
        do $$ begin for i in 5..6 loop insert into t values (i); commit; end loop; end $$;
        create function f() returns int language sql begin atomic select 1; select 2; end;
        alter system reset work_mem;`,
    });
    ended(await place.run(), "done", ["1_x.sql"]);
    assert.deepEqual(
      (await place.query("select id from t order by id")).map(({ id }) => id),
      [1, 2, 5, 6],
    );
    ended(await place.run(), "unchanged");
  });

  test("that fails goes on behind what is done, when the rest is mended", async () => {
    const first = `${mark}set search_path = made, public; create schema made; create table t (id int); insert into t values (1);\n`;
    await using place = await site({
      "1_x.sql": `${first}insert into t values (1/0);`,
      "2_y.sql": "create table y ()",
    });
    const { message } = failed(await place.run(), "sql");
    assert.match(message, /^1_x\.sql:3:1: /);
    assert.deepEqual(await place.history(), []);

    await place.put({ "1_x.sql": `${first.replaceAll("\n", "\r\n")}insert into t values (2);` });
    ended(await place.run(), "done", ["1_x.sql", "2_y.sql"]);
    assert.deepEqual(await place.query("select id from made.t order by id"), [{ id: 1 }, { id: 2 }]);
  });

  test("that was begun and fails is mended in any way behind what is done, also without its mark", async () => {
    await using place = await site({ "1_x.sql": `${mark}create table t (id int); vacuum nothing;` });
    failed(await place.run(), "sql");
    await place.put({ "1_x.sql": "create table t (id int); insert into t values (1);" });
    ended(await place.run(), "done", ["1_x.sql"]);
    assert.deepEqual(await place.query("select id from t"), [{ id: 1 }]);
  });

  test("that is repeated may change as it likes, and begins anew", async () => {
    await using place = await site({ "R__x.sql": `${mark}create table t (); selec;` });
    failed(await place.run(), "sql");
    await place.put({ "R__x.sql": `${mark}create table u (); vacuum u;` });
    ended(await place.run(), "done", ["R__x.sql"]);
    ended(await place.run(), "unchanged");
  });

  test("contradicts the history where statements were edited that are done", async () => {
    await using place = await site({ "1_x.sql": `${mark}create table t (); selec;` });
    failed(await place.run(), "sql");
    await place.put({ "1_x.sql": `${mark}create table u (); select 1;` });
    failed(await place.run(), "history");
  });

  test("makes an index anew that an earlier attempt has left invalid, also with IF NOT EXISTS", async () => {
    await using place = await site({
      "1_x.sql": `${mark}create unique index concurrently if not exists "T_id" on public.t (id);`,
    });
    await place.query("create table t (id int); insert into t values (1), (1)");
    failed(await place.run(), "sql");
    assert.equal(await place.value(`select indisvalid from pg_index where indrelid = 't'::regclass`), false);
    await place.query("truncate t");
    ended(await place.run(), "done", ["1_x.sql"]);
    assert.deepEqual(await place.query("select indisvalid from pg_index where indrelid = 't'::regclass"), [
      { indisvalid: true },
    ]);
  });

  test("leaves no invalid index behind where the server has named it", async () => {
    await using place = await site({
      "1_x.sql": "create unique index concurrently on t ((id + 1)) where id > 0;",
    });
    await place.query("create table t (id int); insert into t values (1), (1)");
    failed(await place.run(), "sql");
    failed(await place.run(), "sql");
    await place.query("truncate t");
    ended(await place.run(), "done", ["1_x.sql"]);
    assert.deepEqual(await place.query("select indisvalid from pg_index where indrelid = 't'::regclass"), [
      { indisvalid: true },
    ]);
  });

  for (const what of ["table concurrently public.t", "(concurrently) index t_pkey"]) {
    test(`leaves no invalid index behind of a cancelled REINDEX ${what}`, async () => {
      await using place = await site({ "1_x.sql": `reindex ${what};` });
      await place.query("create table t (id int primary key)");
      await using other = await place.session();
      await other.query("begin isolation level repeatable read; select * from t");
      const running = place.run();
      await place.until("wait_event_type = 'Lock' and query like 'reindex%'");
      await other.query("select pg_cancel_backend(pid) from pg_stat_activity where query like 'reindex%'");
      failed(await running, "sql");
      await other.query("commit");
      const indexes =
        "select relname, indisvalid from pg_index join pg_class c on c.oid = indexrelid where indrelid = 't'::regclass";
      assert.equal((await place.query(indexes)).length, 2);
      ended(await place.run(), "done", ["1_x.sql"]);
      assert.deepEqual(await place.query(indexes), [{ relname: "t_pkey", indisvalid: true }]);
    });
  }

  test("is not applied twice where only its record is missing", async () => {
    await using place = await site({
      "1_x.sql": `${mark}create table t (id int); create index concurrently t_id on t (id);`,
    });
    ended(await place.run(), "done", ["1_x.sql"]);
    await place.query(
      "update initkit_migrations set state = 'running', statements_done = 1, statements_started = 2, done_checksum = " +
        "encode(sha256('create table t (id int);'), 'hex')",
    );
    ended(await place.run(), "done", ["1_x.sql"]);
  });

  test("fails where it ends within a transaction that it has begun", async () => {
    await using place = await site({ "1_x.sql": `${mark}begin; create table t ();` });
    failed(await place.run(), "sql");
    assert.equal(await place.exists("t"), false);
  });

  test("keeps its record whatever role and path it sets", async () => {
    await using place = await site({
      "1_x.sql": `${mark}create role nobody_else; set role nobody_else; set search_path = ''; select 1; create index concurrently on public.t (id);`,
    });
    await place.query("create table t (id int)");
    assert.match(failed(await place.run(), "sql").message, /^1_x\.sql:2:.*42501/);
    await place.put({
      "1_x.sql": `${mark}create role nobody_else; set role nobody_else; set search_path = ''; select 1; reset role; vacuum public.t`,
    });
    ended(await place.run(), "done", ["1_x.sql"]);
    await place.query("drop role nobody_else");
  });

  test("is one that Flyway's file beside it marks so", async () => {
    await using place = await site({
      "V1__x.sql": "vacuum",
      "V1__x.sql.conf": "executeInTransaction=false\n",
    });
    ended(await place.run(), "done", ["V1__x.sql"]);
  });
});

suite("a file that cannot be one transaction needs no mark", () => {
  const statements = {
    "CREATE INDEX CONCURRENTLY": "create index concurrently on t (id)",
    "DROP INDEX CONCURRENTLY": "drop index concurrently if exists nothing",
    "REINDEX CONCURRENTLY": "reindex (verbose) table concurrently t",
    VACUUM: "vacuum (analyze) t",
    "CLUSTER of everything": "cluster",
    "ALTER SYSTEM": "alter system reset work_mem",
    "CREATE and DROP DATABASE": "create database of_a_file; drop database of_a_file",
    "DETACH PARTITION CONCURRENTLY":
      "create table p (id int) partition by list (id); create table p1 partition of p default; " +
      'alter table p detach partition p1; create table "P2" partition of p for values in (2); alter table only public.p detach partition "P2" concurrently',
    "REINDEX of a partitioned table, which only the server knows":
      "create table p (id int primary key) partition by hash (id); reindex table p",
    "a procedure that commits, which only the server knows":
      "create procedure c() language plpgsql as $$ begin commit; end $$; call c()",
    "a new value of an enum that is used at once":
      "create type mood as enum ('sad'); alter type mood add value 'happy'; create table m as select 'happy'::mood",
  };
  for (const [what, sql] of Object.entries(statements)) {
    test(what, async () => {
      await using place = await site({
        "1_x.sql": `prepare x as select 1; create table t (id int); ${sql};`,
      });
      ended(await place.run(), "done", ["1_x.sql"]);
      assert.equal(await place.exists("t"), true);
      ended(await place.run(), "unchanged");
    });
  }

  test("and goes on behind what is done when it failed", async () => {
    const first = "create table t (id int); insert into t values (1); create index concurrently on t (id);";
    await using place = await site({ "1_x.sql": `${first}\nselect nope;` });
    failed(await place.run(), "sql");
    await place.put({ "1_x.sql": `${first}\nselect 1;` });
    ended(await place.run(), "done", ["1_x.sql"]);
    assert.equal(await place.value("select count(*)::int from t"), 1);
  });

  test("but one that sets its transaction is not taken apart", async () => {
    await using place = await site({
      "1_x.sql": "create table t (); set transaction isolation level serializable;",
    });
    assert.match(failed(await place.run(), "sql").message, /25001/);
    assert.equal(await place.exists("t"), false);
  });
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

suite("rights", () => {
  test("a role that may only read finds that nothing is pending", async () => {
    await using place = await site(three);
    await place.run();
    await place.query("create role reader login password 'r'; grant select on initkit_migrations to reader");
    const words = [place.folder, "--timeout", "10s", "--database", place.as("reader:r")];
    ended(await runTask("migrate", words), "unchanged");
    await place.put({ "11_d.sql": "select 1" });
    failed(await runTask("migrate", words), "refused");
    await place.query("drop owned by reader; drop role reader");
  });

  test("a role that may not create the history, or not read it, is refused for good", async () => {
    await using place = await site(three);
    await place.query("create role poor login password 'p'; create schema closed");
    for (const words of [[], ["--schema", "closed"], ["--schema", "none"]]) {
      const run = await runTask("migrate", [
        place.folder,
        "--timeout",
        "10s",
        "--database",
        place.as("poor:p"),
        ...words,
      ]);
      failed(run, "refused");
    }
    await place.run();
    failed(
      await runTask("migrate", [place.folder, "--timeout", "10s", "--database", place.as("poor:p")]),
      "refused",
    );
    await place.query("drop owned by poor; drop role poor");
  });
});

suite("the database", () => {
  test("that refuses the password, or does not exist, is not asked twice", async () => {
    await using place = await site(three);
    await place.query("create role app login password 's3cr3t'");
    for (const url of [place.as("app:wr0ng"), `${pg.url.replace(/postgres$/, "nowhere")}`]) {
      const run = await runTask("migrate", [place.folder, "--database", url]);
      assert.doesNotMatch(failed(run, "refused").message, /wr0ng/);
      assert.equal(run.attempts, 1);
    }
    await place.query("drop role app");
  });

  suite("that is missing, with create-database", () => {
    let missing = 0;
    const nameOne = () => `missing_${process.pid}_${++missing}`;
    const urlOf = (name: string, userinfo = "postgres") =>
      `${pg.url.replace("postgres@", `${userinfo}@`).replace(/postgres$/, name)}`;
    const words = (place: Site, url: string) => [place.folder, "--timeout", "60s", "--database", url];
    const create = (place: Site, url: string, ...more: string[]) =>
      runTask("migrate", [...words(place, url), "--create-database", ...more]);

    test("is created by one of twenty, for the user of the URL", async () => {
      await using place = await site(three);
      await place.query("create role maker login createdb password 'm'");
      const url = urlOf(nameOne(), "maker:m");
      const runs = await Promise.all(Array.from({ length: 20 }, () => create(place, url)));
      assert.deepEqual(new Set(runs.map(({ failure }) => failure?.message)), new Set([undefined]));
      const owner = `select pg_get_userbyid(datdba) as owner from pg_database where datname = '${new URL(url).pathname.slice(1)}'`;
      assert.deepEqual(await place.query(owner), [{ owner: "maker" }]);
      ended(await create(place, url), "unchanged");
      await place.query(`drop database ${new URL(url).pathname.slice(1)}`);
      await place.query("drop role maker");
    });

    test("is refused to a role that may not, which says what to grant", async () => {
      await using place = await site(three);
      await place.query("create role poor login password 'p'");
      const { hint } = failed(await create(place, urlOf(nameOne(), "poor:p")), "refused");
      assert.match(hint!, /CREATEDB/);
      await place.query("drop role poor");
    });

    test("is not created by dry-run, which lists all files, nor by wait-only, which waits", async () => {
      await using place = await site(three);
      const url = urlOf(nameOne());
      const { report } = await create(place, url, "--dry-run");
      assert.deepEqual(report["pending"], ["1_a.sql", "2_b.sql", "10_c.sql"]);
      const waiting = create(place, url, "--wait-only", "--backoff", "10ms");
      failed(await runTask("migrate", words(place, url)), "refused");
      ended(await create(place, url), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
      ended(await waiting, "unchanged");
    });
  });

  test("that is not there is waited for until the timeout", async () => {
    await using place = await site(three);
    const run = await runTask("migrate", [
      place.folder,
      "--timeout",
      "1s",
      "--database",
      "postgres://u@127.0.0.1:1/x",
    ]);
    failed(run, "database-unavailable");
    assert.ok(run.attempts > 1);
  });

  test("that comes later, or goes away in between, is migrated all the same", async () => {
    const first = await startPostgres({ keep: true });
    await using place = await site({
      "1_a.sql": "create table a ()",
      "2_b.sql": "select pg_sleep(0.5); create table b ()",
    });
    const folder = join(first.dataDir, "..");
    try {
      const asleep = await sessionOn(first.url);
      const running = runTask("migrate", [place.folder, "--timeout", "60s", "--database", first.url]);
      while (
        (await asleep.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")).rows.length === 0
      );
      asleep.on("error", () => {});
      await first.kill();
      await using _second = await startPostgres({ dataDir: first.dataDir, port: first.port });
      ended(await running, "done", ["1_a.sql", "2_b.sql"]);
    } finally {
      await first.stop();
      await rm(folder, { recursive: true });
    }
  });

  test("that is a standby is fine when nothing is pending, and waited for when something is", async () => {
    const primary = await startPostgres({ keep: true });
    const folder = join(primary.dataDir, "..");
    await using place = await site(three);
    try {
      const words = [place.folder, "--database", primary.url, "--timeout"];
      ended(await runTask("migrate", [...words, "60s"]), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
      await primary.stop();
      await writeFile(join(primary.dataDir, "standby.signal"), "");
      await using _standby = await startPostgres({ dataDir: primary.dataDir, port: primary.port });
      ended(await runTask("migrate", [...words, "60s"]), "unchanged");
      await place.put({ "11_d.sql": "create table d ()" });
      assert.match(
        failed(await runTask("migrate", [...words, "500ms"]), "database-unavailable").message,
        /standby/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  suite("behind a pooler in transaction mode", () => {
    async function throughPooler(place: Site, words: readonly string[] = []): Promise<TaskRun> {
      const name = new URL(place.url).pathname.slice(1);
      await using pooler = await startTransactionPooler(pg.port, name);
      const url = `postgres://postgres@127.0.0.1:${pooler.port}/${name}`;
      return await runTask("migrate", [place.folder, "--timeout", "20s", "--database", url, ...words]);
    }

    test("is migrated, and nothing of a file stays behind in the session of the server", async () => {
      await using place = await site({
        "1_set.sql": "create table a (); set local search_path to pg_catalog; set local role pg_monitor",
        "2_b.sql": "create table b (); create temporary table t (x int) on commit drop",
        "3_local.sql": [
          "select set_config('work_mem', concat('8', 'MB'), true), 'set_config(a, b, false)'; -- set role x",
          "select pg_advisory_xact_lock(1);",
          "create function f() returns void set search_path to public language sql as $$ select pg_advisory_lock(1) $$;",
        ].join("\n"),
      });
      const names = ["1_set.sql", "2_b.sql", "3_local.sql"];
      ended(await throughPooler(place, ["--schema", "own"]), "done", names);
      assert.equal(await place.exists("own.b"), true);
      ended(await throughPooler(place, ["--schema", "own"]), "unchanged");
    });

    test("keeps what came before a file that fails, and goes on when that is mended", async () => {
      await using place = await site({ ...three, "2_b.sql": "create table b (id int); select 1/0" });
      failed(await throughPooler(place), "sql");
      assert.deepEqual(await place.history(), ["1_a.sql"]);
      await place.put(three);
      ended(await throughPooler(place), "done", ["2_b.sql", "10_c.sql"]);
    });

    test("is not for a file that only the server finds to need a session", async () => {
      const content = "do $$ begin create table b (); commit; end $$";
      await using place = await site({ "1_a.sql": "create table a ()", "2_b.sql": content });
      const { message } = failed(await throughPooler(place), "refused");
      assert.match(message, /2_b\.sql.*pooler/);
      assert.equal(await place.exists("b"), false);
      ended(await place.run(), "done", ["2_b.sql"]);
    });

    for (const [what, sql] of Object.entries({
      "a file without a transaction": "-- initkit: no-transaction\nselect 1",
      "a setting": "create table b ();\nset search_path to public",
      "what pg_dump sets": "select pg_catalog.set_config('search_path', '', false)",
      "a setting within a query": "with x as (select 1) select set_config('work_mem', '8MB', false) from x",
      "a lock": "select 1 where pg_try_advisory_lock(1)",
      "a temporary table": "create temp table t (x int)",
      "a prepared statement": "prepare p as select 1",
    })) {
      test(`is not for ${what}, which needs a session, and nothing is applied`, async () => {
        await using place = await site({ "1_a.sql": "create table a ()", "2_b.sql": sql });
        const { message } = failed(await throughPooler(place), "refused");
        assert.match(message, /2_b\.sql.*pooler/);
        assert.equal(await place.exists("a"), false);
      });
    }
  });
});

async function sessionOn(url: string): Promise<pgPackage.Client> {
  const client = new pgPackage.Client({ connectionString: url });
  await client.connect();
  return client;
}

test("nothing of a step keeps the process alive", async () => {
  await using place = await site(three);
  const run = await initkit(["migrate", place.folder], { env: { DATABASE_URL: place.url } });
  assert.equal(run.exitCode, 0);
  assert.deepEqual(run.report?.["steps"][0].applied, ["1_a.sql", "2_b.sql", "10_c.sql"]);
});
