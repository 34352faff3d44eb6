import type { Row } from "../../postgres/session.ts";
import { advisoryLock } from "./locks.ts";
import { leadingDigits, readRows, type Tool, versionedRow } from "./tool.ts";
import { javascript } from "../file-names.ts";

/** https://github.com/salsita/node-pg-migrate: one row for each file, named without its ending. */
export const nodePgMigrate: Tool = {
  name: "node-pg-migrate",
  table: "pgmigrations",
  columns: { id: "integer", name: "character varying", run_on: "" },
  files: { versioned: /^([0-9]+).*\.sql$/i, program: javascript },
  lock: advisoryLock(() => [7241865325823964n]),

  async read(session, table) {
    const rows = await readRows<Row & { name: string }>(session, table, "name", "order by id");
    return { rows: rows.map(({ name }) => versionedRow(table, name, leadingDigits(name))) };
  },
};
