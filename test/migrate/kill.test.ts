import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import pgPackage from "pg";
import { type CountedLine, startCountedLine } from "../helpers/counted-line.ts";
import { entry } from "../helpers/initkit.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

const files = {
  "1_tables.sql": "create table a (id int); create table log (what text); insert into log values ('1');",
  "2_steps.sql": [
    "-- initkit: no-transaction",
    "insert into a select generate_series(1, 300);",
    "create index concurrently a_id on a (id);",
    "insert into log values ('2, in the middle');",
    "create unique index concurrently if not exists a_unique on a ((id + 1));",
    "vacuum a;",
    "insert into log values ('2, at the end');",
  ].join("\n"),
  "3_more.sql": "create table b as select * from a; select pg_sleep(0.01); insert into log values ('3');",
  "4_again.sql": "-- initkit: no-transaction\ndrop index concurrently a_id;\ninsert into log values ('4');",
  "5_end.sql": "alter table b add column x int default 7; insert into log values ('5');",
  "R__view.sql": "create or replace view v as select count(*) as n from b; insert into log values ('R');",
};

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

function wordsFor(folder: string, port: number, schema: string): string[] {
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  return [folder, "--database", url, "--schema", schema, "--timeout", "60s"];
}

/** Runs the real entry point, and kills it that long after it has sent so much. */
async function run(
  words: readonly string[],
  line: CountedLine,
  count = Infinity,
  delayMs = 0,
): Promise<void> {
  const child = spawn(process.execPath, [entry, "migrate", ...words], { stdio: "ignore" });
  line.sent = 0;
  line.onSent = () => {
    if (line.sent === count) setTimeout(() => child.kill("SIGKILL"), delayMs);
  };
  await once(child, "close");
}

/** All that the migrations leave, but for times. */
async function outcome(schema: string): Promise<unknown> {
  const client = new pgPackage.Client({ connectionString: pg.url });
  await client.connect();
  try {
    await client.query(`set search_path to ${schema}`);
    const queries = [
      "select what from log order by what",
      "select (select count(*)::int from a) as a, (select count(*)::int from b) as b, (select n::int from v) as v",
      `select c.relname, c.relkind, i.indisvalid from pg_class c left join pg_index i on i.indexrelid = c.oid
        where c.relnamespace = '${schema}'::regnamespace order by 1`,
      "select version, name, state, checksum from initkit_migrations order by version",
    ];
    const rows = [];
    for (const sql of queries) rows.push((await client.query(sql)).rows);
    return rows;
  } finally {
    await client.end();
  }
}

const lanes = 2;
const kills = 51;

suite(
  "a migration that is killed at any instant ends as one clean run with the next one",
  { concurrency: lanes },
  () => {
    for (let lane = 1; lane <= lanes; lane++) {
      test(`${kills} times, in lane ${lane}`, async (t) => {
        const folder = temporary(t);
        for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
        await using line = await startCountedLine(pg.port);
        await run(wordsFor(folder, line.port, `clean_${lane}`), line);
        const total = line.sent;
        const clean = await outcome(`clean_${lane}`);
        const left = new Set<number>();
        for (let round = 1; round <= kills; round++) {
          const schema = `lane_${lane}_${round}`;
          const instant = 1 + Math.floor(Math.random() * total);
          await run(wordsFor(folder, line.port, schema), line, instant, Math.random() * 5);
          const { failure, report } = await runTask("migrate", wordsFor(folder, pg.port, schema));
          assert.equal(failure?.message, undefined);
          assert.deepEqual(await outcome(schema), clean);
          left.add((report["applied"] as string[]).length);
        }
        assert.ok(left.size > 2, "they were killed in different files");
      });
    }
  },
);
