import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import type { Row } from "../../postgres/session.ts";
import { crc32Of, digestsOf } from "./digests.ts";
import { advisoryLock } from "./locks.ts";
import { readRows, type Tool, versionedRow } from "./tool.ts";

type SqlxRow = Row & { version: string; description: string; success: boolean; checksum: string };

/** https://github.com/transact-rs/sqlx: SHA-384 of the bytes of each file. */
export const sqlx: Tool = {
  name: "sqlx",
  table: "_sqlx_migrations",
  columns: {
    version: "bigint",
    description: "text",
    installed_on: "",
    success: "boolean",
    checksum: "bytea",
    execution_time: "bigint",
  },
  lock: advisoryLock((_, database) => [0x3d32ad9en * crc32Of(database)]),

  async read(session, table) {
    const columns = "version::text, description, success, pg_catalog.encode(checksum, 'hex') as checksum";
    const rows = await readRows<SqlxRow>(session, table, columns, "order by version");
    const failed = rows.filter(({ success }) => !success);
    if (failed.length > 0) throw hasFailed(failed);
    return {
      rows: rows.map(({ version, description, checksum }) =>
        versionedRow(table, `${version} ${description}`, version, (bytes) =>
          [bytes, withoutSpace(bytes)].some((form) => digestsOf("sha384", form).includes(checksum)),
        ),
      ),
    };
  },
};

/** What its `ignored-chars` may leave out of a digest (sqlx.toml). */
const withoutSpace = (bytes: Buffer): Buffer =>
  Buffer.from(bytes.toString("latin1").replace(/[ \t\r\n]/g, ""), "latin1");

function hasFailed(rows: readonly SqlxRow[]): Failure {
  const names = rows.map(({ version, description }) => quote(`${version} ${description}`)).join(", ");
  return new Failure("history", `sqlx has recorded that ${names} did not come to its end`, {
    hint: "look at what of it is in the database, put that right by hand, remove its row from _sqlx_migrations, and run again",
  });
}
