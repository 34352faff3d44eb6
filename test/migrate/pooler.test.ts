import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { startTransactionPooler } from "../helpers/pooler.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

suite("a database behind a pooler in transaction mode", () => {
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
