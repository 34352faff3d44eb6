import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pgPackage from "pg";
import type { Failure } from "../../src/failure.ts";
import type { Postgres } from "./postgres.ts";
import { runTask, type TaskRun, type TaskSurroundings } from "./run-task.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;
export type Row = Record<string, any>;

/** A folder of migrations and an empty database. */
export class Site implements AsyncDisposable {
  readonly url: string;
  readonly folder: string;

  constructor(url: string, folder: string) {
    this.url = url;
    this.folder = folder;
  }

  async put(files: Files): Promise<void> {
    for (const [name, content] of Object.entries(files)) await writeFile(join(this.folder, name), content);
  }

  remove(name: string): Promise<void> {
    return rm(join(this.folder, name));
  }

  /** The URL with another user, password or parameters. */
  as(user: string, parameters = ""): string {
    return `${this.url.replace("postgres@", `${user}@`)}?${parameters}`;
  }

  run(words: readonly string[] = [], surroundings: TaskSurroundings = {}): Promise<TaskRun> {
    const limit = words.includes("--timeout") ? [] : ["--timeout", "60s"];
    return runTask("migrate", [this.folder, "--database", this.url, ...limit, ...words], surroundings);
  }

  async session(): Promise<Session> {
    const client = new pgPackage.Client({ connectionString: this.url });
    await client.connect();
    return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
  }

  async query(sql: string): Promise<Row[]> {
    await using session = await this.session();
    const results = await session.query(sql);
    return (Array.isArray(results) ? results.at(-1) : results).rows;
  }

  async value(sql: string): Promise<unknown> {
    return Object.values((await this.query(sql))[0] ?? {})[0];
  }

  /** What the history says is done, in the order of application. */
  async history(): Promise<string[]> {
    const rows = await this.query(
      "select name from initkit_migrations where state = 'done' order by applied_at",
    );
    return rows.map(({ name }) => name as string);
  }

  exists(relation: string): Promise<unknown> {
    return this.value(`select to_regclass('${relation}') is not null`);
  }

  /** Waits until another session does what the condition on pg_stat_activity says, or until none does. */
  async until(condition: string, some = true): Promise<void> {
    await using session = await this.session();
    const others = "datname = current_database() and pid <> pg_backend_pid()";
    const sql = `select exists (select from pg_stat_activity where ${others} and ${condition}) as some, pg_sleep(0.01)`;
    while ((await session.query<Row>(sql)).rows[0]!["some"] !== some);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

export type Session = pgPackage.Client & AsyncDisposable;

export async function siteOn(pg: Postgres, files: Files): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "initkit-test-"));
  const place = new Site(await pg.createDatabase(), folder);
  await place.put(files);
  return place;
}

/** Migrations whose order is not that of their names. */
export const three = {
  "1_a.sql": "create table a (id int primary key);",
  "2_b.sql": "create table b (id int references a);",
  "10_c.sql": "insert into a values (1); insert into b values (1);",
};

export function failed(run: TaskRun, code: Failure["code"]): Failure {
  assert.equal(run.failure?.code, code, run.failure?.message ?? run.status);
  return run.failure!;
}

export function ended(run: TaskRun, status: "done" | "unchanged", applied: readonly string[] = []): void {
  assert.equal(run.failure?.message, undefined);
  assert.equal(run.status, status);
  assert.deepEqual(run.report["applied"], applied);
}
