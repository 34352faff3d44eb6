import assert from "node:assert/strict";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { initkit } from "../helpers/initkit.ts";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

suite("migrate", () => {
  test("applies what is pending, in the order of the versions, and finds nothing to do the next time", async () => {
    await using place = await site(three);
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
    assert.deepEqual(await place.history(), ["1_a.sql", "2_b.sql", "10_c.sql"]);
    const before = await place.query("select * from initkit_migrations order by version");
    ended(await place.run(), "unchanged");
    assert.deepEqual(await place.query("select * from initkit_migrations order by version"), before);

    await place.put({ "11_d.sql": "insert into a values (2)" });
    ended(await place.run(), "done", ["11_d.sql"]);
    assert.equal(await place.value("select count(*)::int from a"), 2);
  });

  test("takes the database from DATABASE_URL or from the PG* variables", async () => {
    await using place = await site(three);
    const words = [place.folder, "--timeout", "60s"];
    ended(
      await runTask("migrate", words, { env: { DATABASE_URL: place.url } }),
      "done",
      Object.keys(three).sort(byNumber),
    );
    const { hostname, port, pathname } = new URL(place.url);
    const env = { PGHOST: hostname, PGPORT: port, PGUSER: "postgres", PGDATABASE: pathname.slice(1) };
    ended(await runTask("migrate", words, { env }), "unchanged");
  });

  test("is a configuration error without a database, and with options that contradict each other", async () => {
    await using place = await site(three);
    for (const words of [[], ["--database", place.url, "--wait-only", "--dry-run"]]) {
      const run = await runTask("migrate", [place.folder, ...words]);
      assert.equal(run.status, "rejected");
      failed(run, "configuration");
    }
  });

  test("is a configuration error with a URL that cannot be read, and shows no password", async () => {
    await using place = await site(three);
    for (const url of [
      "mysql://u:s3cr3t@db/x",
      "postgres:u:s3cr3t@db/x",
      "postgres://u:s3cr3t/s3cr3t@db/x",
    ]) {
      for (const run of [
        await initkit(["migrate", place.folder, "--database", url]),
        await initkit(["migrate", place.folder], { env: { DATABASE_URL: url } }),
      ]) {
        assert.equal(run.exitCode, 2, run.stderr);
        assert.doesNotMatch(run.stderr, /s3cr3t/);
      }
    }
  });

  test("fails with access where the folder is not there", async () => {
    const run = await runTask("migrate", ["/nowhere/at/all", "--database", pg.url]);
    failed(run, "access");
  });

  test("finds nothing to do in an empty folder, with a warning", async () => {
    await using place = await site({});
    const run = await place.run();
    ended(run, "unchanged");
    assert.ok(run.logs.some(({ level }) => level === "warn"));
  });

  test("applies a single file, which may have no version", async () => {
    await using place = await site({ "seed.sql": "create table seeded ()", "other.sql": "nonsense" });
    const words = [join(place.folder, "seed.sql"), "--database", place.url];
    ended(await runTask("migrate", words), "done", ["seed.sql"]);
    ended(await runTask("migrate", words), "unchanged");
    await place.put({ "seed.sql": "create table other ()" });
    failed(await runTask("migrate", words), "history");
  });

  test("repeats R__ files whenever their text changes, after the others", async () => {
    await using place = await site({ "R__v.sql": "create or replace view v as select id from a", ...three });
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql", "R__v.sql"]);
    ended(await place.run(), "unchanged");
    await place.put({ "R__v.sql": "create or replace view v as select id, 1 as more from a" });
    ended(await place.run(), "done", ["R__v.sql"]);
    assert.deepEqual(await place.query("select * from v"), [{ id: 1, more: 1 }]);
  });
});

const byNumber = (a: string, b: string): number => Number.parseInt(a) - Number.parseInt(b);

suite("the history", () => {
  test("does not mind other line ends, a BOM, or another name of an applied file", async () => {
    await using place = await site({ "1_a.sql": "create table a (id int);\n\ncreate table b ();\n" });
    ended(await place.run(), "done", ["1_a.sql"]);
    await place.put({ "1_a.sql": "\ufeffcreate table a (id int);\r\n\r\ncreate table b ();" });
    ended(await place.run(), "unchanged");
    await rename(join(place.folder, "1_a.sql"), join(place.folder, "V01.0__renamed.sql"));
    ended(await place.run(), "unchanged");
  });

  test("contradicts an edited file, a missing one, and a late one, and nothing is applied", async () => {
    await using place = await site(three);
    await place.run();
    await place.put({
      "1_a.sql": "-- other",
      "3_late.sql": "create table late ()",
      "11_d.sql": "create table d ()",
    });
    await place.remove("2_b.sql");
    const { message, permanent } = failed(await place.run(), "history");
    for (const name of ["1_a.sql", "2_b.sql", "3_late.sql"]) assert.ok(message.includes(name), message);
    assert.ok(permanent);
    assert.equal(await place.exists("d"), false);
  });

  test("lets a late file through with out-of-order", async () => {
    await using place = await site(three);
    await place.run();
    await place.put({ "3_late.sql": "create table late ()" });
    failed(await place.run(), "history");
    ended(await place.run(["--out-of-order"]), "done", ["3_late.sql"]);
  });

  test("may be ahead of the files of an older image, with a warning", async () => {
    await using place = await site(three);
    await place.run();
    await place.remove("10_c.sql");
    const run = await place.run();
    ended(run, "unchanged");
    assert.ok(run.logs.some(({ level, message }) => level === "warn" && message.includes("10_c.sql")));
  });

  test("stands in the schema and table that were named, which stands first on the path of every file", async () => {
    await using place = await site({
      "1_a.sql": "create table here ()",
      "2_b.sql": "create table public.there ()",
    });
    const words = ["--schema", "My app", "--table", "It's history"];
    ended(await place.run(words), "done", ["1_a.sql", "2_b.sql"]);
    ended(await place.run(words), "unchanged");
    assert.equal(await place.value(`select count(*)::int from "My app"."It's history"`), 2);
    assert.equal(await place.exists(`"My app".here`), true);
    assert.equal(await place.exists("public.there"), true);
  });

  test("is found along the whole search path", async () => {
    await using place = await site(three);
    await place.run();
    await place.query(`create schema postgres`);
    assert.equal(await place.value("select current_schema()"), "postgres");
    ended(await place.run(), "unchanged");
  });

  test("has no schema before its table, where it would begin anew in silence", async () => {
    await using place = await site(three);
    failed(await place.run(["--table", "app.history"]), "configuration");
    assert.equal(await place.exists("a"), false);
  });

  test("is not another tool's table of that name", async () => {
    await using place = await site(three);
    await place.query("create table schema_migrations (version varchar primary key)");
    failed(await place.run(["--table", "schema_migrations"]), "configuration");
    assert.equal(await place.exists("a"), false);
  });
});

suite("how far:", () => {
  test("to a version", async () => {
    await using place = await site({ ...three, "R__v.sql": "create or replace view v as select * from b" });
    ended(await place.run(["--to", "2.0"]), "done", ["1_a.sql", "2_b.sql"]);
    ended(await place.run(["--to", "2"]), "unchanged");
    ended(await place.run(["--to", "10"]), "done", ["10_c.sql", "R__v.sql"]);
  });

  test("dry-run says what would be applied and touches nothing", async () => {
    await using place = await site(three);
    const run = await place.run(["--dry-run", "--schema", "fresh"]);
    assert.equal(run.status, "unchanged");
    assert.deepEqual(run.report["pending"], ["1_a.sql", "2_b.sql", "10_c.sql"]);
    for (const name of Object.keys(three))
      assert.ok(run.logs.some(({ message }) => message.includes(`${name}: not applied yet`)));
    assert.equal(await place.value("select count(*)::int from pg_class where relname like '%initkit%'"), 0);
    assert.equal(await place.value("select count(*)::int from pg_namespace where nspname = 'fresh'"), 0);
  });

  test("wait-only waits until another has applied everything, and applies nothing", async () => {
    await using place = await site(three);
    failed(await place.run(["--wait-only", "--timeout", "300ms"]), "database-unavailable");
    assert.equal(await place.exists("initkit_migrations"), false);
    const waiting = place.run(["--wait-only"]);
    await place.until("application_name = 'initkit'");
    ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
    ended(await waiting, "unchanged");
  });
});

test("nothing of a step keeps the process alive", async () => {
  await using place = await site(three);
  const run = await initkit(["migrate", place.folder], { env: { DATABASE_URL: place.url } });
  assert.equal(run.exitCode, 0);
  assert.deepEqual(run.report?.["steps"][0].applied, ["1_a.sql", "2_b.sql", "10_c.sql"]);
});
