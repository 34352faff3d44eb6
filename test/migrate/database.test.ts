import assert from "node:assert/strict";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import pgPackage from "pg";
import { ended, failed, type Files, type Site, siteOn, three } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask } from "../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const site = (files: Files): Promise<Site> => siteOn(pg, files);

suite("rights", () => {
  test("a role that may only read finds that nothing is pending", async () => {
    await using place = await site(three);
    await place.run();
    await place.query("create role reader login password 'r'; grant select on initkit_migrations to reader");
    const words = [place.folder, "--timeout", "10s", "--database", place.as("reader:r")];
    ended(await runTask("migrate", words), "unchanged");
    await place.put({ "11_d.sql": "select 1" });
    failed(await runTask("migrate", words), "refused");
    await place.query("drop owned by reader; drop role reader");
  });

  test("a role that may not create the history, or not read it, is refused for good", async () => {
    await using place = await site(three);
    await place.query("create role poor login password 'p'; create schema closed");
    for (const words of [[], ["--schema", "closed"], ["--schema", "none"]]) {
      const run = await runTask("migrate", [
        place.folder,
        "--timeout",
        "10s",
        "--database",
        place.as("poor:p"),
        ...words,
      ]);
      failed(run, "refused");
    }
    await place.run();
    failed(
      await runTask("migrate", [place.folder, "--timeout", "10s", "--database", place.as("poor:p")]),
      "refused",
    );
    await place.query("drop owned by poor; drop role poor");
  });
});

suite("the database", () => {
  test("that refuses the password, or does not exist, is not asked twice", async () => {
    await using place = await site(three);
    await place.query("create role app login password 's3cr3t'");
    for (const url of [place.as("app:wr0ng"), `${pg.url.replace(/postgres$/, "nowhere")}`]) {
      const run = await runTask("migrate", [place.folder, "--database", url]);
      assert.doesNotMatch(failed(run, "refused").message, /wr0ng/);
      assert.equal(run.attempts, 1);
    }
    await place.query("drop role app");
  });

  suite("that is missing, with create-database", () => {
    let missing = 0;
    const nameOne = () => `missing_${process.pid}_${++missing}`;
    const urlOf = (name: string, userinfo = "postgres") =>
      `${pg.url.replace("postgres@", `${userinfo}@`).replace(/postgres$/, name)}`;
    const words = (place: Site, url: string) => [place.folder, "--timeout", "60s", "--database", url];
    const create = (place: Site, url: string, ...more: string[]) =>
      runTask("migrate", [...words(place, url), "--create-database", ...more]);

    test("is created by one of twenty, for the user of the URL", async () => {
      await using place = await site(three);
      await place.query("create role maker login createdb password 'm'");
      const url = urlOf(nameOne(), "maker:m");
      const runs = await Promise.all(Array.from({ length: 20 }, () => create(place, url)));
      assert.deepEqual(new Set(runs.map(({ failure }) => failure?.message)), new Set([undefined]));
      const owner = `select pg_get_userbyid(datdba) as owner from pg_database where datname = '${new URL(url).pathname.slice(1)}'`;
      assert.deepEqual(await place.query(owner), [{ owner: "maker" }]);
      ended(await create(place, url), "unchanged");
      await place.query(`drop database ${new URL(url).pathname.slice(1)}`);
      await place.query("drop role maker");
    });

    test("is refused to a role that may not, which says what to grant", async () => {
      await using place = await site(three);
      await place.query("create role poor login password 'p'");
      const { hint } = failed(await create(place, urlOf(nameOne(), "poor:p")), "refused");
      assert.match(hint!, /CREATEDB/);
      await place.query("drop role poor");
    });

    test("is not created by dry-run, which lists all files, nor by wait-only, which waits", async () => {
      await using place = await site(three);
      const url = urlOf(nameOne());
      const { report } = await create(place, url, "--dry-run");
      assert.deepEqual(report["pending"], ["1_a.sql", "2_b.sql", "10_c.sql"]);
      const waiting = create(place, url, "--wait-only", "--backoff", "10ms");
      failed(await runTask("migrate", words(place, url)), "refused");
      ended(await create(place, url), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
      ended(await waiting, "unchanged");
    });
  });

  test("that is not there is waited for until the timeout", async () => {
    await using place = await site(three);
    const run = await runTask("migrate", [
      place.folder,
      "--timeout",
      "1s",
      "--database",
      "postgres://u@127.0.0.1:1/x",
    ]);
    failed(run, "database-unavailable");
    assert.ok(run.attempts > 1);
  });

  test("that comes later, or goes away in between, is migrated all the same", async () => {
    const first = await startPostgres({ keep: true });
    await using place = await site({
      "1_a.sql": "create table a ()",
      "2_b.sql": "select pg_sleep(0.5); create table b ()",
    });
    const folder = join(first.dataDir, "..");
    try {
      const asleep = await sessionOn(first.url);
      const running = runTask("migrate", [place.folder, "--timeout", "60s", "--database", first.url]);
      while (
        (await asleep.query("select 1 from pg_stat_activity where wait_event = 'PgSleep'")).rows.length === 0
      );
      asleep.on("error", () => {});
      await first.kill();
      await using _second = await startPostgres({ dataDir: first.dataDir, port: first.port });
      ended(await running, "done", ["1_a.sql", "2_b.sql"]);
    } finally {
      await first.stop();
      await rm(folder, { recursive: true });
    }
  });

  test("that is a standby is fine when nothing is pending, and waited for when something is", async () => {
    const primary = await startPostgres({ keep: true });
    const folder = join(primary.dataDir, "..");
    await using place = await site(three);
    try {
      const words = [place.folder, "--database", primary.url, "--timeout"];
      ended(await runTask("migrate", [...words, "60s"]), "done", ["1_a.sql", "2_b.sql", "10_c.sql"]);
      await primary.stop();
      await writeFile(join(primary.dataDir, "standby.signal"), "");
      await using _standby = await startPostgres({ dataDir: primary.dataDir, port: primary.port });
      ended(await runTask("migrate", [...words, "60s"]), "unchanged");
      await place.put({ "11_d.sql": "create table d ()" });
      assert.match(
        failed(await runTask("migrate", [...words, "500ms"]), "database-unavailable").message,
        /standby/,
      );
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

async function sessionOn(url: string): Promise<pgPackage.Client> {
  const client = new pgPackage.Client({ connectionString: url });
  await client.connect();
  return client;
}
