import { Failure } from "../../failure.ts";
import type { Row } from "../../postgres/session.ts";
import { advisoryLock } from "./locks.ts";
import { readRows, type Tool, versionedRow } from "./tool.ts";

/** https://github.com/pressly/goose: of several rows for a version the newest counts; version 0 is its own. */
export const goose: Tool = {
  name: "goose",
  table: "goose_db_version",
  columns: { id: "integer", version_id: "bigint", is_applied: "boolean", tstamp: "" },
  files: { program: /^([0-9]+)_.*(?<!_test)\.go$/ },

  /** Only its library takes it, where it was asked to. */
  lock: advisoryLock(() => [4097083626n]),

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

const wasUndone = (versions: string): Failure =>
  new Failure("history", `goose has recorded that version ${versions} was undone`, {
    hint: "run goose up, or, where that file is to be applied anew, remove its rows from goose_db_version",
  });
