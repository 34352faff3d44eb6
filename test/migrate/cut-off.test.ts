import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { type Ended, initkit } from "../helpers/initkit.ts";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { startOvertakenLine } from "../helpers/overtaken-line.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

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

  test("by a signal whose request to cancel overtakes a file, it does not apply that file", async () => {
    await using place = await site({ ...three, "2_b.sql": "create table b (); select pg_sleep(1)" });
    await using line = await startOvertakenLine(pg.port, "pg_sleep");
    const stop = new AbortController();
    const reason = new Failure("signal", "SIGTERM", { signal: 15 });
    line.onHeld = () => stop.abort(reason);
    const url = Object.assign(new URL(place.url), { port: String(line.port), search: "sslmode=disable" });
    const words = [place.folder, "--database", url.href];
    assert.equal((await runTask("migrate", words, { signal: stop.signal })).failure, reason);
    for (const name of ["2_b.sql", "10_c.sql"]) assert.ok(!(await place.history()).includes(name));
    await place.put(three);
    assert.equal((await place.run()).status, "done");
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
