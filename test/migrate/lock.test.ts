import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { lockKeyOf } from "../../src/migrate/history-place.ts";
import { initkit } from "../helpers/initkit.ts";
import {
  ended,
  failed,
  type Files,
  type Row,
  type Session,
  type Site,
  siteOn,
  three,
} from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

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
