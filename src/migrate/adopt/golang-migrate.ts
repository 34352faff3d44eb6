import { Failure } from "../../failure.ts";
import type { Row } from "../../postgres/session.ts";
import { crc32Of } from "./digests.ts";
import { advisoryLock } from "./locks.ts";
import { readRows, type Tool } from "./tool.ts";

/** https://github.com/golang-migrate/migrate: one row, of the newest version. */
export const golangMigrate: Tool = {
  name: "golang-migrate",
  table: "schema_migrations",
  columns: { version: "bigint", dirty: "boolean" },

  /**
   * Its command line takes the database from the path of a URL, slash included; its library asks the server. The
   * versions 4.1 to 4.14 leave the table out.
   */
  lock: advisoryLock(({ schema, table }, database) =>
    [database, `/${database}`].flatMap((name) =>
      [
        [schema, table, name],
        [schema, name],
      ].map((parts) => lockKey(parts.join("\0"))),
    ),
  ),

  async read(session, table) {
    const rows = await readRows<Row & { version: string; dirty: boolean }>(
      session,
      table,
      "version::text, dirty",
    );
    const [row] = rows;
    if (row?.dirty) throw isDirty(row.version);
    return row ? { rows: [], upTo: row.version, fileNeeded: true } : { rows: [] };
  },
};

const salt = 1486364155n;
const lockKey = (name: string): bigint => BigInt.asUintN(32, crc32Of(name) * salt);

const isDirty = (version: string): Failure =>
  new Failure("history", `golang-migrate has left version ${version} dirty: it failed there, or was killed`, {
    hint: "look at what of that file is in the database, put it right by hand, say so with migrate force VERSION, and run again",
  });
