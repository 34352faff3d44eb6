import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import pgPackage from "pg";
import { statements } from "../../src/migrate/lexer.ts";
import { refusesTransaction } from "../../src/migrate/no-transaction.ts";
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

suite("a statement that PostgreSQL runs in no transaction is known by its text:", () => {
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

const refuses = (sql: string): boolean => statements(sql).some((each) => refusesTransaction(each, sql));

suite("is known where this server could not show it:", () => {
  for (const sql of [
    "create index concurrently on t (id)",
    'CREATE UNIQUE INDEX /* x */ CONCURRENTLY if not exists "i" ON t (id)',
    "drop index concurrently if exists a, b",
    "reindex table concurrently t",
    "reindex (verbose, concurrently) index i",
    "reindex (verbose) database",
    "reindex schema public",
    "reindex system",
    "vacuum",
    "vacuum (full, analyze) t",
    "cluster",
    "cluster verbose",
    "cluster (verbose)",
    "create database d owner = me",
    "drop database if exists d",
    'alter database "my d" set tablespace fast',
    "create tablespace fast location '/x'",
    "drop tablespace fast",
    "alter system set work_mem = '1GB'",
    "create subscription s connection 'x' publication p",
    "drop subscription s",
    'alter subscription "s" refresh publication',
    "alter subscription s set publication p",
    "alter table if exists only a.t detach partition a.p concurrently",
  ]) {
    test(sql, () => assert.ok(refuses(`select 1;\n${sql};`)));
  }
});

suite("is known to run in one:", () => {
  for (const sql of [
    "create index concurrently_done on t (id)",
    "create table vacuum_log (concurrently_ text)",
    "select 'create index concurrently'",
    "create function f() returns void language plpgsql as $$ begin execute 'vacuum'; end $$",
    "comment on table t is 'vacuum'",
    "drop index i",
    "reindex table t",
    "cluster t using i",
    'cluster "t"',
    "alter database d set work_mem = '1MB'",
    "alter table t detach partition p",
    "alter table t detach partition p finalize",
    "alter subscription s disable",
    "alter type t add value 'x'",
    "refresh materialized view concurrently v",
    "analyze",
  ]) {
    test(sql, () => assert.ok(!refuses(`${sql};`)));
  }
});
