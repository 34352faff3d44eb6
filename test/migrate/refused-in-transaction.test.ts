import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import pgPackage from "pg";
import { refusesTransaction } from "../../src/migrate/no-transaction.ts";
import { statements } from "../../src/migrate/statements.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

/** What PostgreSQL says of statements that run in no transaction (25001, active_sql_transaction). */
async function isRefusedInTransaction(sql: string): Promise<boolean> {
  const client = new pgPackage.Client({ connectionString: pg.url });
  await client.connect();
  try {
    await client.query("begin; create table t (id int); create index i on t (id)");
    await client.query(sql);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === "25001";
  } finally {
    await client.end();
  }
}

const known = (sql: string): boolean => statements(sql).every((each) => refusesTransaction(each, sql));

suite("a statement that PostgreSQL runs in no transaction is known by its first words:", () => {
  for (const sql of [
    "create index concurrently on t (id)",
    'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS "x y" ON t (id)',
    "drop index /* now */ concurrently i",
    "reindex (verbose) index concurrently i",
    "reindex (concurrently) table t",
    "vacuum",
    "vacuum (analyze) t",
    "create database other",
    "drop database if exists other",
    "alter system set work_mem to '5MB'",
    "create tablespace x location '/nowhere'",
  ]) {
    test(sql, async () => {
      assert.equal(known(sql), true);
      assert.equal(await isRefusedInTransaction(sql), true);
    });
  }
});

suite("a statement that runs in a transaction is not taken for one that does not:", () => {
  for (const sql of [
    "create index on t (id)",
    "create index concurrent on t (id)",
    "drop index i",
    "reindex table t",
    'create table "concurrently" (id int)',
    "create schema database",
    "alter table t alter id set not null",
    "analyze t",
  ]) {
    test(sql, async () => {
      assert.equal(known(sql), false);
      assert.equal(await isRefusedInTransaction(sql), false);
    });
  }
});
