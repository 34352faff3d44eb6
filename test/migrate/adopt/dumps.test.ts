import assert from "node:assert/strict";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import type { ToolName } from "../../../src/migrate/adopt/names.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { ended, failed, type Files, Site, siteOn } from "../../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

/** What a real tool has left in a database. */
const dump = (name: string): string =>
  readFileSync(join(import.meta.dirname, "dumps", `${name}.sql`), "utf8");

const table = (n: number): string => `create table t${n} (id int);\n`;
const auto = ["--adopt", "auto"];

suite("a history that a real tool has made is gone on with", () => {
  for (const [name, files] of Object.entries({
    "golang-migrate-4.19.1": foreignSetups["golang-migrate"].files,
    "goose-3.17.0": foreignSetups.goose.files,
    "tern-2.4.2": foreignSetups.tern.files,
  })) {
    test(name, async () => {
      const contents = Object.fromEntries(files.map((file, index) => [file, table(index + 1)]));
      await using place = await siteOn(pg, contents);
      await place.query(dump(name));
      const run = await place.run(auto);
      ended(run, "done", files.slice(2));
      assert.deepEqual(run.report["adopted"].migrations, files.slice(0, 2));
    });
  }
});

suite("the history of a real Flyway", () => {
  const flyway = "flyway-11.20.3";
  const applied: Files = {
    "V1_1__first.sql": table(1),
    "V1_2__second.sql": table(2),
    "V1_02_1__bom.sql": "\ufeffcreate table t21 (id int);\r\n-- \u{1f600}\r\n\r\ncreate table t22 ()",
    "V1.2.2__cr.sql": "create table t23 ();\rcreate table t24 ();\r",
    "R__view.sql": "create or replace view v as select 1 as n;\n",
  };
  const empty = `${dump(flyway)}; truncate flyway_schema_history;`;

  test("has checksums that fit its files, with a BOM, with any line ends and without the last one", async () => {
    await using place = await siteOn(pg, { ...applied, "V1_3__third.sql": table(3) });
    await place.query(dump(flyway));
    const run = await place.run(auto);
    ended(run, "done", ["V1_3__third.sql"]);
    assert.deepEqual(run.report["adopted"].migrations.toSorted(), Object.keys(applied).toSorted());
  });

  for (const name of Object.keys(applied)) {
    test(`has a checksum that does not fit an edited ${name}`, async () => {
      await using place = await siteOn(pg, { ...applied, [name]: "select 1" });
      await place.query(dump(flyway));
      const run = await place.run(auto);
      if (name.startsWith("R")) ended(run, "done", [name]);
      else assert.ok(failed(run, "history").message.includes(name));
    });
  }

  test("does not tell whether a repeatable file with placeholders has changed, which is refused", async () => {
    const view = (value: string) => `create or replace view w as select ${value} as n;\n`;
    await using place = await siteOn(pg, { ...applied, "R__holder.sql": view("'${flyway:database}'") });
    await place.query(dump(flyway));
    assert.match(failed(await place.run(auto), "history").message, /R__holder\.sql.*flyway:database/);
    await place.put({ "R__holder.sql": view("current_database()") });
    ended(await place.run(auto), "done", ["R__holder.sql"]);
  });

  test("begins with a baseline", async () => {
    await using place = await siteOn(pg, { ...applied, "V1_3__third.sql": table(3) });
    await place.query(`${empty} ${dump(`${flyway}-baseline`)}`);
    const later = ["V1_02_1__bom.sql", "V1.2.2__cr.sql", "V1_3__third.sql", "R__view.sql"];
    ended(await place.run(auto), "done", later);
  });

  test("is refused with a failure in it", async () => {
    const failing = "vacuum t1;\nvacuum nonesuch;\n";
    await using place = await siteOn(pg, {
      "V1_1__first.sql": table(1),
      "V1_2__second.sql": failing,
    });
    await place.query(`${empty} ${dump(`${flyway}-failed`)}`);
    assert.match(failed(await place.run(auto), "history").message, /V1_2__second\.sql/);
  });
});

suite("a lock that a real tool has been seen to take on a database named app is waited for:", () => {
  before(() => pg.createDatabase("app"));

  for (const [version, tool, key] of [
    ["golang-migrate 4.19.1", "golang-migrate", 1726534663n],
    ["golang-migrate 4.19.1, by its library", "golang-migrate", 1787120056n],
    ["golang-migrate 4.14.1", "golang-migrate", 2621266710n],
    ["goose 3.17.0, by its library", "goose", 5887940537704921958n],
    ["tern 2.4.2", "tern", 9628173550095224n],
    ["Flyway 11.20.3", "flyway", 77433833903597n],
  ] as [string, ToolName, bigint][]) {
    test(version, async () => {
      const url = pg.url.replace(/postgres$/, "app");
      await using place = new Site(url, mkdtempSync(join(tmpdir(), "initkit-test-")));
      const { history, table: name } = foreignSetups[tool];
      await place.put(filesOf(foreignSetups[tool]));
      await using peer = await place.session();
      await peer.query(`${history}; select pg_advisory_lock(${key})`);
      const run = await place.run([...auto, "--timeout", "1s"]);
      await peer.query(`drop table ${name}`);
      const { message } = failed(run, "database-unavailable");
      assert.ok(message.includes(`${tool} is migrating`), message);
    });
  }
});
