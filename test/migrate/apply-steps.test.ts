import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ended, failed, type Files, type Site, siteOn } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

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
