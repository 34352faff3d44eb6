import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { statements } from "../../src/migrate/statements.ts";
import { refusesTransaction } from "../../src/migrate/no-transaction.ts";

const refuses = (sql: string): boolean => statements(sql).some((each) => refusesTransaction(each, sql));

suite("cannot run in a transaction:", () => {
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

suite("runs in a transaction:", () => {
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
