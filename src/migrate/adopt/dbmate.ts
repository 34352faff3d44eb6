import type { Row } from "../../postgres/session.ts";
import { readRows, type Tool, versionedRow } from "./tool.ts";

/** https://github.com/amacneil/dbmate: it takes no lock. */
export const dbmate: Tool = {
  name: "dbmate",
  table: "schema_migrations",
  columns: { version: "character varying" },
  notBeside: "ar_internal_metadata",
  files: { versioned: /^([0-9]+).*\.sql$/i },

  async read(session, table) {
    const rows = await readRows<Row & { version: string }>(session, table, "version");
    return { rows: rows.map(({ version }) => versionedRow(table, version, version)) };
  },
};
