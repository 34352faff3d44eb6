import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { startCuttingProxy } from "../../helpers/cutting-proxy.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { initkit } from "../../helpers/initkit.ts";
import { type Site, siteOn } from "../../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { runTask } from "../../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const { history, table } = foreignSetups.knex;
const files = filesOf(foreignSetups.knex);
const adoptable = () => siteOn(pg, files);
const again = `drop schema public cascade; create schema public; create table t1 (id int); create table t2 (id int);
  ${history}`;

/** All that a run leaves, but for the times. */
const stateOf = (place: Site) =>
  place.query(`select (select json_agg(m order by name) from ${table} m)::text as rows,
    (select json_agg(l) from knex_migrations_lock l)::text as lock, to_regclass('t4') is not null as applied,
    (select json_agg((version, name, kind, checksum, state, applied_by) order by name) from initkit_migrations)::text
      as history`);

suite("adopting, cut off at any message and run again, ends as one clean run does", () => {
  for (const when of ["before", "after"] as const) {
    test(`${when} the server has the message`, async () => {
      await using place = await adoptable();
      await place.query(`${again} update knex_migrations set migration_time = 'epoch'`);
      await place.run(["--adopt", "knex"]);
      const clean = await stateOf(place);
      let cuts = 0;
      for (let n = 0; ; n++) {
        await place.query(`${again} update knex_migrations set migration_time = 'epoch'`);
        await using proxy = await startCuttingProxy(pg.port, n, when);
        const url = place.url.replace(`:${pg.port}/`, `:${proxy.port}/`);
        const words = [place.folder, "--database", url, "--adopt", "knex", "--retries", "0"];
        const first = await runTask("migrate", words);
        assert.notEqual(first.failure?.code, "internal");
        assert.equal((await place.run(["--adopt", "knex"])).failure?.message, undefined);
        assert.deepEqual(await stateOf(place), clean, `cut ${when} message ${n}`);
        if (!proxy.cut) break;
        cuts++;
      }
      assert.ok(cuts > 20, `${cuts} cuts`);
    });
  }
});

test("a process that is killed while it adopts leaves nothing that the next one stumbles over", async () => {
  await using place = await adoptable();
  await place.query(again);
  await using peer = await place.session();
  await peer.query("begin; select * from knex_migrations_lock for update");
  const started = Promise.withResolvers<{ kill(signal: NodeJS.Signals): unknown }>();
  const running = initkit(["migrate", place.folder, "--adopt", "auto"], {
    env: { DATABASE_URL: place.url },
    onEvent: (_, child) => started.resolve(child),
  });
  const child = await started.promise;
  await place.until("wait_event_type = 'Lock' and query like '%knex_migrations_lock%'");
  child.kill("SIGKILL");
  assert.equal((await running).signal, "SIGKILL");
  await peer.query("commit");
  const { failure, report } = await place.run(["--adopt", "auto"]);
  assert.equal(failure?.message, undefined);
  assert.deepEqual([report["adopted"].migrations.length, report["applied"].length], [2, 2]);
});
