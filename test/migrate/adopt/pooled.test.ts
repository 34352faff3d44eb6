import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { ended, siteOn } from "../../helpers/migration-site.ts";
import { startTransactionPooler } from "../../helpers/pooler.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { runTask } from "../../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

for (const tool of ["goose", "knex", "flyway"] as const) {
  test(`${tool}'s database is adopted behind a pooler in transaction mode too`, async () => {
    await using place = await siteOn(pg, filesOf(foreignSetups[tool]));
    await place.query(`create table t1 (id int); create table t2 (id int); ${foreignSetups[tool].history}`);
    const name = new URL(place.url).pathname.slice(1);
    await using pooler = await startTransactionPooler(pg.port, name);
    const url = `postgres://postgres@127.0.0.1:${pooler.port}/${name}`;
    const run = () =>
      runTask("migrate", [place.folder, "--timeout", "20s", "--database", url, "--adopt", "auto"]);
    const first = await run();
    ended(first, "done", foreignSetups[tool].files.slice(2));
    assert.equal(first.report["adopted"].migrations.length, 2);
    ended(await run(), "unchanged");
  });
}
