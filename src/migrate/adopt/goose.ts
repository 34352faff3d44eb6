import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import type { Row, Session } from "../../postgres/session.ts";
import { advisoryLock, lockRows } from "./locks.ts";
import { type ForeignTable, readRows, type Tool, versionedRow } from "./tool.ts";

/** https://github.com/pressly/goose: of several rows for a version the newest counts; version 0 is its own. */
export const goose: Tool = {
  name: "goose",
  table: "goose_db_version",
  columns: { id: "integer", version_id: "bigint", is_applied: "boolean", tstamp: "" },
  files: { program: /^([0-9]+)_.*(?<!_test)\.go$/ },

  /** Only its library takes one, where it was asked to: that of the session or, since 3.26, that of a table. */
  lock: async (session, table) => (await lockSession(session, table)) ?? (await leaseholder(session, table)),

  async read(session, table) {
    const rows = await readRows<Row & { version: string; is_applied: boolean }>(
      session,
      table,
      "distinct on (version_id) version_id::text as version, is_applied",
      "where version_id > 0 order by version_id, id desc",
    );
    const undone = rows.filter((row) => !row.is_applied).map(({ version }) => version);
    if (undone.length > 0) throw wasUndone(undone.join(", "));
    return { rows: rows.map(({ version }) => versionedRow(table, version, version)) };
  },
};

/** The second is that of the versions 3.15 to 3.25. */
const lockSession = advisoryLock(() => [4097083626n, 5887940537704921958n]);

type Lease = Row & { locked_by: string | null; is_held: boolean };

/** A row holds the lease, which ends by itself when the process that renews it has been killed. */
async function leaseholder(session: Session, { schema }: ForeignTable): Promise<string | undefined> {
  const columns = "locked_by, locked and lease_expires_at > pg_catalog.now() as is_held";
  const rows = await lockRows<Lease>(session, { schema, table: "goose_lock" }, columns);
  const lease = rows.find(({ is_held }) => is_held);
  return lease && `a lease of ${quote(lease.locked_by ?? "")} in goose_lock`;
}

const wasUndone = (versions: string): Failure =>
  new Failure("history", `goose has recorded that version ${versions} was undone`, {
    hint: "run goose up, or, where that file is to be applied anew, remove its rows from goose_db_version",
  });
