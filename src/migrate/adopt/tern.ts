import type { Row } from "../../postgres/session.ts";
import { advisoryLock } from "./locks.ts";
import { readRows, type Tool } from "./tool.ts";

/** https://github.com/jackc/tern: one row, of the newest version; 0 is none. */
export const tern: Tool = {
  name: "tern",
  table: "schema_version",
  columns: { version: "integer" },
  lock: advisoryLock(() => [9628173550095224n]),

  async read(session, table) {
    const [row] = await readRows<Row & { version: number }>(session, table, "version");
    if (!row || row.version === 0) return { rows: [] };
    return { rows: [], upTo: String(row.version), fileNeeded: true };
  },
};
