import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { ended, failed, type Site, siteOn } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import type { TaskRun } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const four = {
  "1_a.sql": "create table a ()",
  "2.0_b.sql": "create table b ()",
  "10_c.sql": "create table c ()",
  "R__view.sql": "create or replace view v as select 1 as one",
};
/** The first two were made by hand. */
async function madeByHand(): Promise<Site> {
  const place = await siteOn(pg, four);
  await place.query("create table a (); create table b ()");
  return place;
}
const warnings = ({ logs }: TaskRun): string[] =>
  logs.filter(({ level }) => level === "warn").map(({ message }) => message);

suite("a baseline", () => {
  test("takes everything up to it for applied, once, and repeatable files run all the same", async () => {
    await using place = await madeByHand();
    const run = await place.run(["--baseline", "2"]);
    ended(run, "done", ["10_c.sql", "R__view.sql"]);
    assert.deepEqual(run.report["baseline"], { version: "2", migrations: ["1_a.sql", "2.0_b.sql"] });
    assert.deepEqual(warnings(run), []);
    const recorded = "select name from initkit_migrations where applied_by = 'baseline' order by name";
    assert.deepEqual(await place.query(recorded), [{ name: "1_a.sql" }, { name: "2.0_b.sql" }]);
    const next = await place.run(["--baseline", "2"]);
    ended(next, "unchanged");
    assert.deepEqual(warnings(next), []);
    ended(await place.run(), "unchanged");
  });

  test("is recorded also where nothing else is to do", async () => {
    await using place = await madeByHand();
    ended(await place.run(["--baseline", "2.0", "--to", "2"]), "done");
    ended(await place.run(), "done", ["10_c.sql", "R__view.sql"]);
  });

  test("keeps its checksums: an edited file contradicts the history from then on", async () => {
    await using place = await madeByHand();
    await place.run(["--baseline", "2"]);
    await place.put({ "1_a.sql": "create table other ()" });
    assert.match(failed(await place.run(["--baseline", "2"]), "history").message, /1_a\.sql/);
  });

  test("has no effect where a history is there, and says so where that contradicts it", async () => {
    await using place = await siteOn(pg, four);
    await place.run(["--to", "1"]);
    const run = await place.run(["--baseline", "10", "--dry-run"]);
    assert.deepEqual(run.report["pending"], ["2.0_b.sql", "10_c.sql", "R__view.sql"]);
    assert.equal(warnings(run).length, 1);
    assert.match(warnings(run)[0]!, /10_c\.sql/);
    ended(await place.run(["--baseline", "10"]), "done", ["2.0_b.sql", "10_c.sql", "R__view.sql"]);
  });

  for (const [version, nearest] of [
    ["3", "2.0_b.sql"],
    ["11", "10_c.sql"],
    ["0", "1_a.sql"],
  ] as const) {
    test(`that no file has (${version}) is a configuration error that suggests ${nearest}`, async () => {
      await using place = await madeByHand();
      const { options } = failed(await place.run(["--baseline", version]), "configuration");
      assert.ok(options.hint?.includes(nearest), String(options.hint));
      assert.equal(await place.exists("initkit_migrations"), false);
    });
  }

  test("in a database without a table is told: nothing of it can be there", async () => {
    await using place = await siteOn(pg, { "1_a.sql": "create table a ()" });
    const run = await place.run(["--baseline", "1", "--dry-run"]);
    assert.equal(warnings(run).length, 1);
  });

  test("is a configuration error together with adopt", async () => {
    await using place = await madeByHand();
    failed(await place.run(["--baseline", "2", "--adopt", "auto"]), "configuration");
  });

  test("is told by dry-run, and done for wait-only, which change nothing", async () => {
    await using place = await madeByHand();
    const { report } = await place.run(["--baseline", "2", "--dry-run"]);
    assert.deepEqual(report["pending"], ["10_c.sql", "R__view.sql"]);
    assert.equal(report["baseline"].migrations.length, 2);
    ended(await place.run(["--baseline", "2", "--wait-only", "--to", "2"]), "unchanged");
    assert.equal(await place.exists("initkit_migrations"), false);
  });
});
