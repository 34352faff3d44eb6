import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import {
  Logger,
  migrate as graphileMigrate,
  type Settings,
  status as graphileStatus,
} from "graphile-migrate";
import knexOf from "knex";
import { runner } from "node-pg-migrate";
import Postgrator from "postgrator";
import type { ToolName } from "../../../src/migrate/adopt/names.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { ended, type Files, type Site, siteOn } from "../../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { temporary } from "../../helpers/temporary.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

/** A real tool: it applies all files that are there, and tells what it takes for applied and for pending. */
interface Peer {
  migrate(place: Site): Promise<unknown>;
  status(place: Site): Promise<{ applied: readonly string[] | number; pending: readonly string[] | number }>;
}

/**
 * The tool applies the first two files, initkit adopts and applies the other two, and the tool still knows its own two
 * and takes the other two for pending.
 */
async function goesOn(tool: ToolName, files: Files, peer: Peer): Promise<void> {
  const names = Object.keys(files);
  const [own, others] = [names.slice(0, 2), names.slice(2)];
  await using place = await siteOn(pg, pick(files, own));
  await peer.migrate(place);
  await place.put(pick(files, others));
  const before = await peer.status(place);
  assert.deepEqual(before.applied, typeof before.applied === "number" ? 2 : own);
  assert.equal(typeof before.pending === "number" ? before.pending : before.pending.length, 2);

  const run = await place.run(["--adopt", "auto"]);
  ended(run, "done", others);
  assert.deepEqual(run.report["adopted"], { tool, migrations: own });
  assert.deepEqual(await peer.status(place), before);
  ended(await place.run(["--adopt", tool]), "unchanged");
}

const pick = (files: Files, names: readonly string[]): Files =>
  Object.fromEntries(names.map((name) => [name, files[name]!]));

const binary = join(import.meta.dirname, "../../../node_modules/@dbmate/linux-x64/bin/dbmate");
const noBinary = process.arch !== "x64" && "dbmate's package has no program for this processor";

test("dbmate", { skip: noBinary }, async () => {
  const sections = (n: number) =>
    `-- migrate:up\ncreate table t${n} (id int);\n\n-- migrate:down\ndrop table t${n};\n`;
  const names = ["20260101_a.sql", "20260102b.sql", "20260103_c.sql", "20260104_d.sql"];
  const dbmate = async (place: Site, command: string) => {
    const words = ["--url", `${place.url}?sslmode=disable`, "-d", place.folder, "--no-dump-schema", command];
    return (await promisify(execFile)(binary, words)).stdout;
  };
  await goesOn("dbmate", Object.fromEntries(names.map((name, n) => [name, sections(n)])), {
    migrate: (place) => dbmate(place, "up"),
    async status(place) {
      const lines = (await dbmate(place, "status")).split("\n");
      const marked = (mark: string) =>
        lines.filter((line) => line.startsWith(mark)).map((line) => line.slice(4));
      return { applied: marked("[X]"), pending: marked("[ ]") };
    },
  });
});

test("node-pg-migrate", async () => {
  const names = [
    "1700000000001_a.sql",
    "1700000000002-b.sql",
    "1700000000003_c.sql",
    "20260101120000000_d.sql",
  ];
  const sql = (n: number) =>
    `-- Up Migration\ncreate table t${n} (id int);\n-- Down Migration\ndrop table t${n};\n`;
  const run = (place: Site, dryRun: boolean) =>
    runner({
      databaseUrl: place.url,
      dir: place.folder,
      migrationsTable: "pgmigrations",
      direction: "up",
      dryRun,
      log: () => {},
    });
  await goesOn("node-pg-migrate", Object.fromEntries(names.map((name, n) => [name, sql(n)])), {
    migrate: (place) => run(place, false),
    async status(place) {
      const applied = await place.query("select name || '.sql' as name from pgmigrations order by id");
      const pending = await run(place, true);
      return { applied: applied.map(({ name }) => name), pending: pending.map(({ name }) => name) };
    },
  });
});

test("graphile-migrate", async (t) => {
  const home = temporary(t);
  const of = async <T>(place: Site, use: (settings: Settings) => Promise<T>): Promise<T> => {
    await rm(join(home, "committed"), { force: true });
    await symlink(place.folder, join(home, "committed"));
    const logger = new Logger(() => () => {});
    const urls = { connectionString: place.url, shadowConnectionString: `${place.url}_shadow` };
    return await use({ ...urls, migrationsFolder: home, logger });
  };
  await goesOn("graphile-migrate", filesOf(foreignSetups["graphile-migrate"]), {
    migrate: (place) => of(place, graphileMigrate),
    status: (place) =>
      of(place, async (settings) => {
        const [{ count } = {}] = await place.query("select count(*)::int from graphile_migrate.migrations");
        return { applied: count, pending: (await graphileStatus(settings)).remainingMigrations ?? [] };
      }),
  });
});

test("postgrator", async () => {
  const of = async <T>(place: Site, use: (postgrator: Postgrator) => Promise<T>): Promise<T> => {
    await using session = await place.session();
    const migrationPattern = join(place.folder, "*");
    const execQuery = (query: string) => session.query<any>(query);
    return await use(
      new Postgrator({ migrationPattern, driver: "pg", schemaTable: "schemaversion", execQuery }),
    );
  };
  await goesOn("postgrator", filesOf(foreignSetups.postgrator), {
    migrate: (place) => of(place, (postgrator) => postgrator.migrate()),
    status: (place) =>
      of(place, async (postgrator) => {
        const version = await postgrator.getDatabaseVersion();
        await postgrator.validateMigrations(version);
        const { length } = postgrator.getRunnableMigrations(version, await postgrator.getMaxVersion());
        return { applied: version, pending: length };
      }),
  });
});

test("knex", async () => {
  const files = filesOf(foreignSetups.knex);
  const migrationSource = (names: readonly string[]) => ({
    getMigrations: async () => [...names],
    getMigrationName: (name: string) => name,
    getMigration: async (name: string) => ({
      up: (knex: knexOf.Knex) => knex.raw(String(files[name])),
      down: async () => {},
    }),
  });
  const of = async <T>(place: Site, use: (migrator: knexOf.Knex.Migrator) => Promise<T>): Promise<T> => {
    const knex = knexOf({ client: "pg", connection: place.url });
    return await use(knex.migrate).finally(() => knex.destroy());
  };
  const names = Object.keys(files);
  await goesOn("knex", files, {
    migrate: (place) =>
      of(place, (migrator) => migrator.latest({ migrationSource: migrationSource(names.slice(0, 2)) })),
    status: (place) =>
      of(place, async (migrator) => {
        const [applied, pending] = await migrator.list({ migrationSource: migrationSource(names) });
        return { applied: applied.map(({ name }: { name: string }) => name), pending };
      }),
  });
});
