import { createHash } from "node:crypto";
import type { Row } from "../../postgres/session.ts";
import { advisoryLock } from "./locks.ts";
import { leadingDigits, readRows, type Tool, versionedRow } from "./tool.ts";

type GraphileRow = Row & { filename: string; hash: string; previous_hash: string | null };

/** https://github.com/graphile/migrate: its committed files are a chain of hashes. */
export const graphileMigrate: Tool = {
  name: "graphile-migrate",
  table: "migrations",
  schema: "graphile_migrate",
  columns: { hash: "text", previous_hash: "text", filename: "text", date: "" },
  lock: advisoryLock(() => [4727445306447283n]),

  async read(session, table) {
    const columns = "filename, hash, previous_hash";
    const rows = await readRows<GraphileRow>(session, table, columns, "order by filename");
    return {
      rows: rows.map((row) =>
        versionedRow(table, row.filename, leadingDigits(row.filename), (bytes) => isOf(row, bytes)),
      ),
    };
  },
};

/** The body is hashed with the hash before it. A file may say in its header that its hash is not its own. */
function isOf({ hash, previous_hash }: GraphileRow, bytes: Buffer): boolean {
  const text = new TextDecoder().decode(bytes).replace(/\r\n?/g, "\n");
  const header = /^(?:--! [A-Z][a-zA-Z0-9_]*(?::.*)?\n)*/.exec(text)![0];
  if (/^--! AllowInvalidHash\b/m.test(header)) return header.includes(`--! Hash: ${hash}\n`);
  const body = text.slice(header.length).trim();
  const hashed = `${`${previous_hash ?? ""}\n${body}`.trim()}\n`;
  return hash === `sha1:${createHash("sha1").update(hashed).digest("hex")}`;
}
