import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import { initkit } from "../helpers/initkit.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { query } from "../helpers/query.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

function folderOf(t: TestContext, files: Readonly<Record<string, string>>): string {
  const folder = temporary(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test("twenty replicas on an empty database all end well, and the server has nothing to complain about", async (t) => {
  const files = {
    "1_a.sql": "create table a (id int); insert into a values (1); select pg_sleep(0.3);",
    "2_index.sql": "-- initkit: no-transaction\ncreate index concurrently a_id on a (id); vacuum a;\n",
    "3_b.sql": "insert into a values (2); select pg_sleep(0.3);",
    "R__v.sql": "create view v as select * from a;",
  };
  const folder = folderOf(t, files);
  const url = await pg.createDatabase();
  const start = () =>
    initkit(["migrate", folder, "--schema", "app", "--timeout", "90s"], { env: { DATABASE_URL: url } });
  const runs = await Promise.all(Array.from({ length: 20 }, start));

  assert.deepEqual(
    runs.filter(({ exitCode }) => exitCode !== 0).map(({ stderr }) => stderr),
    [],
  );
  const applied = runs.flatMap(({ report }) => report?.["steps"][0].applied as string[]);
  assert.deepEqual(applied.toSorted(), Object.keys(files));
  assert.deepEqual(await query(url, "select id from app.v order by id"), [{ id: 1 }, { id: 2 }]);
  assert.deepEqual(pg.log().match(/^.*(?:ERROR|FATAL|PANIC):.*$/gm) ?? [], []);
});

test("those that wait leave within one poll of the one that applies", async (t) => {
  const folder = folderOf(t, { "1_a.sql": "select pg_sleep(3)" });
  const url = await pg.createDatabase();
  const end = async () => {
    const { failure } = await runTask("migrate", [folder, "--database", url, "--timeout", "60s"]);
    assert.equal(failure?.message, undefined);
    return performance.now();
  };
  const ends = await Promise.all(Array.from({ length: 6 }, end));
  assert.ok(Math.max(...ends) - Math.min(...ends) < 1500, String(ends));
});
