import type { Row } from "../../postgres/session.ts";
import { digestsOf } from "./digests.ts";
import { type ForeignRow, type ForeignTable, readRows, type Tool, versionedRow } from "./tool.ts";

type PostgratorRow = Row & { version: string; name: string | null; md5: string | null };

/** https://github.com/rickbergfalk/postgrator: it takes no lock; version 0 is its own. */
export const postgrator: Tool = {
  name: "postgrator",
  table: "schemaversion",
  columns: { version: "bigint", name: "text", md5: "text", run_at: "" },
  files: { ignored: /^[0-9]+\.undo\b.*\.sql$/i, program: /^([0-9]+)\.do\b.*\.[cm]?js$/i },

  async read(session, table) {
    const columns = "version::text, name, md5";
    const rest = "where version > 0 order by version";
    const rows = await readRows<PostgratorRow>(session, table, columns, rest);
    return { rows: rows.map((row) => foreignRow(table, row)) };
  },
};

/** Where the file was a program, what stands for the digest is none. */
function foreignRow(table: ForeignTable, { version, name, md5 }: PostgratorRow): ForeignRow {
  const known = md5 !== null && /^[0-9a-f]{32}$/.test(md5);
  const isOf = known ? (bytes: Buffer) => digestsOf("md5", bytes).includes(md5) : undefined;
  return versionedRow(table, `${version}.do.${name ?? ""}`, version, isOf);
}
