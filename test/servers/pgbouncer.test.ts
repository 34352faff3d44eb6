import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { startDebianPostgres, startPgBouncer } from "../helpers/debian-postgres.ts";
import { startCountedLine } from "../helpers/counted-line.ts";
import { initkit } from "../helpers/initkit.ts";
import { type Peer, startPeer } from "../helpers/peers.ts";
import { query } from "../helpers/query.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import type { ServerProcess } from "../helpers/server-process.ts";

let postgres: ServerProcess;
before(async () => void (postgres = await startDebianPostgres()));
after(() => postgres[Symbol.asyncDispose]());

let databases = 0;

/** A folder of migrations, an empty database, and a pool of its sessions. */
class Site implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "initkit-test-"));
  readonly database: string;
  readonly pooler: ServerProcess;

  constructor(database: string, pooler: ServerProcess) {
    this.database = database;
    this.pooler = pooler;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.pooler.port}/${this.database}`;
  }

  put(files: Readonly<Record<string, string>>): void {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(this.folder, name), text);
  }

  run(...words: string[]): Promise<TaskRun> {
    const limit = words.includes("--timeout") ? [] : ["--timeout", "60s"];
    return runTask("migrate", [this.folder, "--database", this.url, ...limit, ...words]);
  }

  query(sql: string): Promise<Record<string, unknown>[]> {
    return query(directUrl(this.database), sql);
  }

  /** Waits until a migration has come to its pg_sleep. */
  async asleep(): Promise<void> {
    const sql =
      "select 1 from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'";
    while ((await this.query(sql)).length === 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    rmSync(this.folder, { recursive: true });
    await this.pooler[Symbol.asyncDispose]();
  }
}

const directUrl = (database: string) => `postgres://postgres@127.0.0.1:${postgres.port}/${database}`;

async function site(
  files: Readonly<Record<string, string>>,
  settings: Readonly<Record<string, string | number>>,
): Promise<Site> {
  const database = `pooled_${++databases}`;
  await query(directUrl("postgres"), `create database ${database}`);
  const place = new Site(database, await startPgBouncer(postgres.port, settings));
  place.put(files);
  return place;
}

const files = Object.fromEntries(
  Array.from({ length: 8 }, (_, at) => [
    `${at + 1}_x.sql`,
    `create table t${at} (id int); insert into t${at} values (1); select pg_sleep(0.02);`,
  ]),
);

const locks = "select pid from pg_locks where locktype = 'advisory'";

suite("PgBouncer in transaction mode", () => {
  const pools = {
    "one session of the server": { default_pool_size: 1 },
    "four sessions of the server": { default_pool_size: 4 },
    "sessions of the server in turn": { default_pool_size: 4, server_round_robin: 1 },
  };
  for (const [pool, settings] of Object.entries(pools)) {
    test(`with ${pool} and ten initkits at once, every file is applied once and no lock stays`, async () => {
      await using place = await site(files, { pool_mode: "transaction", ...settings });
      const start = () =>
        initkit(["migrate", place.folder, "--timeout", "60s"], { env: { DATABASE_URL: place.url } });
      const runs = await Promise.all(Array.from({ length: 10 }, start));
      assert.deepEqual(new Set(runs.map(({ exitCode }) => exitCode)), new Set([0]), runs[0]!.stderr);
      const applied = runs.flatMap(({ report }) => report?.["steps"][0].applied as string[]);
      assert.deepEqual(applied.toSorted(), Object.keys(files).toSorted());
      for (const name of Object.keys(files)) {
        const table = `t${Number(name[0]) - 1}`;
        assert.deepEqual(await place.query(`select count(*)::int as n from ${table}`), [{ n: 1 }]);
      }
      assert.deepEqual(await place.query(locks), []);
      assert.equal((await place.run()).status, "unchanged");
      place.put({ "9_step.sql": "-- initkit: no-transaction\nselect 1" });
      assert.equal((await place.run()).failure?.code, "refused");
    });
  }

  test("leaves no setting behind in a session of the server", async () => {
    await using place = await site(files, { pool_mode: "transaction", default_pool_size: 1 });
    assert.equal((await place.run("--schema", "own", "--statement-timeout", "7s")).status, "done");
    const settings = [
      "search_path",
      "lock_timeout",
      "statement_timeout",
      "idle_in_transaction_session_timeout",
    ];
    const shown = settings.map((name) => `current_setting('${name}') as ${name}`).join(", ");
    assert.deepEqual(await query(place.url, `select ${shown}`), await place.query(`select ${shown}`));
  });

  test("waits for a migration that goes on without a pooler", async () => {
    await using place = await site(files, { pool_mode: "transaction", default_pool_size: 2 });
    const words = [place.folder, "--timeout", "60s", "--database"];
    const runs = await Promise.all(
      [directUrl(place.database), place.url].map((url) => runTask("migrate", [...words, url])),
    );
    assert.deepEqual(
      runs.map(({ failure }) => failure?.message),
      [undefined, undefined],
    );
    const applied = runs.flatMap(({ report }) => report["applied"] as string[]);
    assert.deepEqual(applied.toSorted(), Object.keys(files).toSorted());
  });

  test("is left without a lock by a migration that is killed, and the next run completes it", async () => {
    const gate = "create table b (); select case when exists (select from gate) then pg_sleep(600) end";
    const settings = { pool_mode: "transaction", default_pool_size: 2 };
    await using place = await site({ "1_a.sql": "create table a ()", "2_b.sql": gate }, settings);
    await place.query("create table gate as select 1 as closed");
    let kill = () => {};
    const running = initkit(["migrate", place.folder], {
      env: { DATABASE_URL: place.url },
      onEvent: (_, child) => (kill = () => child.kill("SIGKILL")),
    });
    await place.asleep();
    kill();
    assert.equal((await running).signal, "SIGKILL");
    await place.query("truncate gate");
    assert.deepEqual((await place.run()).report["applied"], ["2_b.sql"]);
  });

  test("brings a migration that is killed at any message to the end of a clean run with the next one", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 4 }, (_, at) => [`${at}_x.sql`, `create table t${at} as select ${at} as x`]),
    );
    await using place = await site(files, { pool_mode: "transaction", default_pool_size: 2 });
    await using line = await startCountedLine(place.pooler.port);
    const through = `postgres://postgres@127.0.0.1:${line.port}/${place.database}`;
    let total = 0;
    for (let round = 0; round <= 15; round++) {
      const words = ["migrate", place.folder, "--schema", `round_${round}`, "--timeout", "60s"];
      const instant = 1 + Math.floor(Math.random() * total);
      let kill = () => {};
      line.sent = 0;
      line.onSent = () => line.sent === instant && round > 0 && kill();
      await initkit(words, {
        env: { DATABASE_URL: through },
        onEvent: (_, child) => (kill = () => child.kill("SIGKILL")),
      });
      if (round === 0) total = line.sent;
      const { failure } = await place.run("--schema", `round_${round}`);
      assert.equal(failure?.message, undefined);
      const counts = `select (select count(*)::int from round_${round}.initkit_migrations) as files,
        (select count(*)::int from pg_class where relname ~ '^t[0-9]$' and relnamespace = 'round_${round}'::regnamespace) as tables`;
      assert.deepEqual(await place.query(counts), [{ files: 4, tables: 4 }]);
    }
    assert.deepEqual(await place.query(locks), []);
  });

  test("lets a migration that is cut off go, with its lock", async () => {
    await using place = await site(
      { "1_a.sql": "create table a (); select pg_sleep(600)" },
      { pool_mode: "transaction", default_pool_size: 1 },
    );
    assert.equal((await place.run("--timeout", "1500ms")).failure?.code, "database-unavailable");
    assert.deepEqual(await place.query(locks), []);
    place.put({ "1_a.sql": "create table a ()" });
    assert.equal((await place.run()).status, "done");
  });
});

test("PgBouncer that does not know the user, the password or the database is not asked twice", async () => {
  await using pooler = await startPgBouncer(
    postgres.port,
    { auth_type: "scram-sha-256" },
    "known = host=127.0.0.1",
  );
  for (const place of [
    "postgres:wrong@127.0.0.1:PORT/known",
    "nobody:x@127.0.0.1:PORT/known",
    "postgres@127.0.0.1:PORT/none",
  ]) {
    const folder = mkdtempSync(join(tmpdir(), "initkit-test-"));
    const url = `postgres://${place.replace("PORT", String(pooler.port))}`;
    const run = await runTask("migrate", [folder, "--database", url]);
    rmSync(folder, { recursive: true });
    assert.equal(run.failure?.code, "refused");
    assert.equal(run.attempts, 1);
  }
});

test("two PgBouncers behind one name are not taken for one in session mode", async () => {
  const pool = { pool_mode: "transaction", default_pool_size: 1 };
  const step = { "1_a.sql": "-- initkit: no-transaction\nselect 1" };
  await using place = await site(step, pool);
  await using second = await startPgBouncer(postgres.port, pool);
  const ports = [place.pooler.port, second.port];
  await using service = await startBalancer(ports);
  const url = `postgres://postgres@127.0.0.1:${service.port}/${place.database}`;
  const { failure } = await runTask("migrate", [place.folder, "--timeout", "60s", "--database", url]);
  assert.equal(failure?.kind, "pooler");
  assert.deepEqual(await place.query(locks), []);
});

/** Gives each connection to the next of some ports, as a Service may do. */
const startBalancer = (ports: readonly number[]): Promise<Peer> =>
  startPeer((client, number) => {
    const server = connect(ports[number % ports.length]!, "127.0.0.1");
    server.on("error", () => client.destroy());
    client.pipe(server).pipe(client);
  });

suite("PgBouncer in session mode", () => {
  const concurrently = {
    "1_a.sql": "create table a (id int); set work_mem = '8MB'",
    "2_b.sql": "-- initkit: no-transaction\ncreate index concurrently a_id on a (id)",
  };

  test("takes files that need a session, from ten at once", async () => {
    await using place = await site(concurrently, { pool_mode: "session", default_pool_size: 20 });
    const runs = await Promise.all(Array.from({ length: 10 }, () => place.run()));
    assert.deepEqual(new Set(runs.map(({ failure }) => failure?.message)), new Set([undefined]));
    const applied = runs.flatMap(({ report }) => report["applied"] as string[]);
    assert.deepEqual(applied.toSorted(), ["1_a.sql", "2_b.sql"]);
    assert.deepEqual(await place.query(locks), []);
  });

  test("does so with one session of the server, too", async () => {
    await using place = await site(concurrently, { pool_mode: "session", default_pool_size: 1 });
    assert.deepEqual((await place.run()).report["applied"], ["1_a.sql", "2_b.sql"]);
  });
});
