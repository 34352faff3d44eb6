import { Failure } from "../failure.ts";
import { bookkeepingFailure, isServerError } from "../postgres/errors.ts";
import { literal } from "../postgres/quoting.ts";
import type { Row, Session } from "../postgres/session.ts";
import { version as initkitVersion } from "../version.ts";
import { bookkeeping } from "./bookkeeping.ts";
import type { Migration } from "./files.ts";
import { type HistoryPlace, qualified, shown } from "./history-place.ts";
import type { Applied } from "./history-plan.ts";

/** The rows of the history; none where there is no table yet. */
export async function readHistory(session: Session, place: HistoryPlace): Promise<Applied[]> {
  if (!place.exists) return [];
  const sql = `select version, name, kind, checksum, state, statements_started, statements_done, done_checksum
    from ${qualified(place)}`;
  try {
    return await session.query<Applied & Row>(sql);
  } catch (error) {
    if (isServerError(error) && error.code === "42703") throw notOurs(place);
    throw bookkeepingFailure(`cannot read ${shown(place)}`, error);
  }
}

const notOurs = (place: HistoryPlace): Failure =>
  new Failure("configuration", `${shown(place)} is not a history of initkit: it has other columns`, {
    hint: "choose another name with table",
  });

/**
 * The statement that says, at the end of its transaction, that a file is applied. A repeatable one is said again; for
 * others that fails.
 */
export function doneSql(place: HistoryPlace, migration: Migration, appliedBy: string): string {
  const { id, name, kind, checksum } = migration;
  const values = [id, name, kind, checksum, "done", appliedBy, initkitVersion].map(literal).join(", ");
  const again = kind === "repeatable" ? ` on conflict (version) do update set ${assignments("done")}` : "";
  return `insert into ${qualified(place)}
    (version, name, kind, checksum, state, applied_by, initkit_version, duration_ms)
    values (${values}, ${transactionMs})${again}`;
}

const transactionMs = `(extract(epoch from pg_catalog.clock_timestamp() operator(pg_catalog.-) pg_catalog.now())
      operator(pg_catalog.*) 1000)::bigint`;

/** Says that migrations are applied which others have applied. */
export async function recordApplied(
  session: Session,
  place: HistoryPlace,
  rows: readonly Applied[],
  appliedBy: string,
): Promise<void> {
  const values = rows.map(({ version, name, kind, checksum, state }) =>
    [version, name, kind, checksum, state, appliedBy, initkitVersion].map(literal).join(", "),
  );
  const sql = `insert into ${qualified(place)} (version, name, kind, checksum, state, applied_by, initkit_version)
    values (${values.join("), (")})`;
  await bookkeeping(`cannot write to ${shown(place)}`, () => session.query(sql));
}

/** What a repeated row takes over from the new one. */
const assignments = (state: Applied["state"]): string =>
  `name = excluded.name, checksum = excluded.checksum, state = '${state}', statements_started = 0,
    statements_done = 0, done_checksum = null, applied_at = pg_catalog.now(), duration_ms = excluded.duration_ms,
    applied_by = excluded.applied_by, initkit_version = excluded.initkit_version`;

/** Says that a file without a transaction begins. */
export async function recordBegin(
  session: Session,
  place: HistoryPlace,
  { id, name, kind, checksum }: Migration,
  appliedBy: string,
): Promise<void> {
  const values = [id, name, kind, checksum, "running", appliedBy, initkitVersion];
  const again = kind === "repeatable" ? `on conflict (version) do update set ${assignments("running")}` : "";
  const sql = `insert into ${qualified(place)} (version, name, kind, checksum, state, applied_by, initkit_version)
    values ($1, $2, $3, $4, $5, $6, $7) ${again}`;
  await bookkeeping(`cannot write to ${shown(place)}`, () => session.query(sql, values));
}

export interface Progress {
  readonly started: number;
  readonly done: number;
  readonly doneChecksum: string;
}

/** The statement that says how far a file without a transaction has come. */
export function progressSql(
  place: HistoryPlace,
  { id }: Migration,
  { started, done, doneChecksum }: Progress,
): string {
  return `update ${qualified(place)} set statements_started = ${started}, statements_done = ${done},
    done_checksum = ${literal(doneChecksum)} where version = ${literal(id)}`;
}

/** The statement that says that a file without a transaction has come to its end. */
export function finishSql(
  place: HistoryPlace,
  { id, name, checksum }: Migration,
  durationMs: number,
): string {
  return `update ${qualified(place)} set state = 'done', name = ${literal(name)}, checksum = ${literal(checksum)},
    applied_at = pg_catalog.now(), duration_ms = ${Math.round(durationMs)} where version = ${literal(id)}`;
}
