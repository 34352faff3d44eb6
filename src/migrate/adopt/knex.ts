import type { Row, Session } from "../../postgres/session.ts";
import { javascript } from "../file-names.ts";
import { lockRows } from "./locks.ts";
import { type ForeignTable, leadingDigits, readRows, shownTable, type Tool, versionedRow } from "./tool.ts";

/** https://github.com/knex/knex: one row for each file, by its name. */
export const knex: Tool = {
  name: "knex",
  table: "knex_migrations",
  columns: { id: "integer", name: "character varying", batch: "integer", migration_time: "" },
  files: { versioned: /^([0-9]+).*\.sql$/i, program: javascript },
  lock: lockRow,

  async read(session, table) {
    const rows = await readRows<Row & { name: string }>(session, table, "name", "order by id");
    return { rows: rows.map(({ name }) => versionedRow(table, name, leadingDigits(name))) };
  },
};

/**
 * Its lock is a row with a mark, which a killed process leaves behind for good; so the row is only locked, and the
 * mark is left to knex.
 */
async function lockRow(session: Session, { schema }: ForeignTable): Promise<string | undefined> {
  const table = { schema, table: "knex_migrations_lock" };
  const rows = await lockRows<Row & { is_locked: number }>(session, table, "is_locked");
  if (rows.every(({ is_locked }) => !is_locked)) return undefined;
  return `a mark in ${shownTable(table)} (knex migrate:unlock removes one that was left behind)`;
}
