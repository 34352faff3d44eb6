import assert from "node:assert/strict";
import { execFile as execFileWithCallback } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import pgPackage from "pg";
import { bodyOf } from "../../src/migrate/body.ts";
import { statements } from "../../src/migrate/statements.ts";
import { decodeSql } from "../../src/migrate/text.ts";
import { databaseSnapshot } from "../helpers/database-snapshot.ts";
import { startDebianPostgres } from "../helpers/debian-postgres.ts";
import { runTask } from "../helpers/run-task.ts";
import type { ServerProcess } from "../helpers/server-process.ts";

const execFile = promisify(execFileWithCallback);
const corpus = join(import.meta.dirname, "../migrate/corpus");

const variables = {
  table: 'My "table"; it\'s',
  text: "it's; \\ $$ :number",
  number: "7",
  negative: "-1.5",
  name: "größe",
  back: "\\';",
  empty: "",
};

let pg: ServerProcess;
let folder: string;
before(async () => {
  pg = await startDebianPostgres({
    log_statement: "all",
    log_line_prefix: "%a>",
    log_error_verbosity: "default",
  });
  folder = mkdtempSync(join(tmpdir(), "initkit-test-"));
});
after(async () => {
  await pg[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

const urlOf = (database: string): string => `postgres://postgres@127.0.0.1:${pg.port}/${database}`;

async function withClient<T>(url: string, use: (client: pgPackage.Client) => Promise<T>): Promise<T> {
  const client = new pgPackage.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

let databases = 0;
async function createDatabase(): Promise<string> {
  const name = `test_${++databases}`;
  await withClient(urlOf("postgres"), (client) => client.query(`create database ${name}`));
  return urlOf(name);
}

type Snapshot = Readonly<Record<string, string>>;

const snapshotOf = (url: string): Promise<Snapshot> => withClient(url, databaseSnapshot);

async function runPsql(path: string, url: string): Promise<void> {
  const given = Object.entries(variables).flatMap(([name, value]) => ["-v", `${name}=${value}`]);
  const env = { PATH: process.env["PATH"], PGCLIENTENCODING: "UTF8" };
  const args = ["-X", "-q", "-v", "ON_ERROR_STOP=1", ...given, "-f", path, url];
  await execFile("psql", args, { env });
}

async function byPsql(path: string): Promise<Snapshot> {
  const url = await createDatabase();
  await runPsql(path, url);
  return await snapshotOf(url);
}

async function byInitkit(content: string): Promise<Snapshot> {
  const url = await createDatabase();
  const path = join(folder, "1_x.sql");
  writeFileSync(path, content);
  const given = Object.entries(variables).flatMap(([name, value]) => ["--var", `${name}=${value}`]);
  const run = await runTask("migrate", [path, "--database", url, "--timeout", "60s", ...given]);
  assert.equal(run.failure?.message, undefined);
  return await snapshotOf(url);
}

/** How many statements psql has sent so far; it also sends empty ones, with nothing but comments. */
async function sentByPsql(): Promise<number> {
  const marker = `-- ${crypto.randomUUID()}`;
  await withClient(urlOf("postgres"), (client) => client.query(`select 1 ${marker}`));
  while (!pg.log().includes(marker)) await pause(5);
  const sent = pg.log().matchAll(/^psql>LOG: {2}statement: (.*(?:\n\t.*)*)/gm);
  return [...sent].filter(([, sql]) => !/^(?:\s|;|--.*|\/\*[^*]*\*\/)*$/.test(sql!)).length;
}

test("what pg_dump writes of a database is a migration as it stands", async () => {
  const url = await createDatabase();
  for (const file of readdirSync(corpus)) await runPsql(join(corpus, file), url);
  const { stdout: dump } = await execFile("pg_dump", [url], { encoding: "utf8" });
  assert.match(dump, /^\\restrict/m);
  const path = join(folder, "dump.sql");
  writeFileSync(path, dump);
  const expected = await byPsql(path);
  assert.ok(Object.keys(expected).length > 100);
  assert.deepEqual(await byInitkit(dump), expected);
  assert.deepEqual(await byInitkit(`-- initkit: no-transaction\n${dump}`), expected);
});

suite("a file gives the same objects and rows as psql gives", () => {
  for (const file of readdirSync(corpus)) {
    const path = join(corpus, file);
    const content = readFileSync(path, "utf8");

    test(`${file}: in a transaction where it can be one, and statement by statement`, async () => {
      const expected = await byPsql(path);
      assert.ok(Object.keys(expected).length > 1);
      if (file !== "transactions.sql") assert.deepEqual(await byInitkit(content), expected);
      const unmarked = content.replace("\ufeff", "");
      assert.deepEqual(await byInitkit(`-- initkit: no-transaction\n${unmarked}`), expected);
    });

    test(`${file}: is split into as many statements`, async () => {
      const text = decodeSql(file, readFileSync(path));
      const { sql } = bodyOf(file, text, { start: 0, end: text.length }, new Map(Object.entries(variables)));
      const before = await sentByPsql();
      await byPsql(path);
      assert.equal([...statements(sql)].length, (await sentByPsql()) - before);
    });
  }
});
