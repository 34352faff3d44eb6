import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import pgPackage from "pg";
import { startCutLine } from "../helpers/cut-line.ts";
import { databaseSnapshot } from "../helpers/database-snapshot.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

/** What would show if it were applied twice or by halves. */
const kinds: readonly ((n: number) => string)[] = [
  (n) => `create table t${n} (id int, text text);\ninsert into t0 values (${n}, 'plain');`,
  (n) => `insert into t0 select ${n}, 'many' from generate_series(1, 200);\nanalyze t0;`,
  (n) => `copy t0 from stdin;\n${`${n}\tdata\n`.repeat(300)}\\.\ninsert into t0 values (${n}, 'behind');`,
  (n) =>
    `-- initkit: no-transaction\ninsert into t0 values (${n}, 'one');\ncreate index concurrently i${n} on t0 (id);\ninsert into t0 values (${n}, 'two');`,
  (n) => `do $$ begin insert into t0 values (${n}, '${"long ".repeat(2000)}'); end $$;`,
];
const files = Object.fromEntries([
  ["0_t.sql", "create table t0 (id int, text text);"],
  ...Array.from({ length: 28 }, (_, at) => [`${at + 1}_t.sql`, kinds[at % kinds.length]!(at + 1)] as const),
  ["R__v.sql", "create or replace view v as select count(*) as n from t0;"],
]);

function migrate(folder: string, url: string, port = pg.port): Promise<TaskRun> {
  const through = Object.assign(new URL(url), { port: String(port), search: "sslmode=disable" });
  return runTask("migrate", [folder, "--database", through.href, "--timeout", "60s", "--backoff", "10ms"]);
}

async function outcome(url: string): Promise<unknown> {
  const client = new pgPackage.Client({ connectionString: url });
  await client.connect();
  try {
    const sql = "select version, name, kind, checksum, state from initkit_migrations order by version";
    const { rows } = await client.query(sql);
    return { rows, objects: await databaseSnapshot(client) };
  } finally {
    await client.end();
  }
}

test("a migration whose connection is cut at any byte, again and again, ends as one that is left alone", async (t) => {
  const folder = temporary(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const cleanUrl = await pg.createDatabase();
  await using whole = await startCutLine(pg.port, []);
  assert.equal((await migrate(folder, cleanUrl, whole.port)).status, "done");
  const clean = await outcome(cleanUrl);
  const total = whole.carried[0]!;

  let attempts = 0;
  const cuts = fc.array(fc.integer({ min: 1, max: total }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(cuts, async (bytes) => {
      const url = await pg.createDatabase();
      await using line = await startCutLine(pg.port, bytes);
      const cut = await migrate(folder, url, line.port);
      assert.equal(cut.failure?.message, undefined);
      assert.equal((await migrate(folder, url)).status, "unchanged");
      assert.deepEqual(await outcome(url), clean);
      attempts += cut.attempts;
    }),
    { numRuns: 12, endOnFailure: true },
  );
  assert.ok(attempts > 20, `only ${attempts} attempts`);
});
