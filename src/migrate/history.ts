import { createHash } from "node:crypto";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { bookkeepingFailure, isServerError } from "../postgres/errors.ts";
import { identifier, literal } from "../postgres/quoting.ts";
import type { Row, Session } from "../postgres/session.ts";
import { version as initkitVersion } from "../version.ts";
import type { Migration } from "./files.ts";
import type { Applied } from "./history-plan.ts";

export interface HistoryOptions {
  readonly table: string;
  /** Undefined: the first schema of the search path. */
  readonly schema: string | undefined;
  /** Who applies: `initkit/POD`. */
  readonly applicationName: string;
}

/** Where the history stands, or will stand. */
export interface HistoryPlace {
  readonly schema: string;
  readonly table: string;
  readonly exists: boolean;
  /** The server only reads: it follows another one. */
  readonly standby: boolean;
}

/** Looks for the table along the whole search path. Needs no right but to connect, and changes nothing. */
export async function findHistory(
  session: Session,
  { table, schema }: HistoryOptions,
): Promise<HistoryPlace> {
  const wanted = schema === undefined ? identifier(table) : `${identifier(schema)}.${identifier(table)}`;
  const [row] = await bookkeeping(`cannot look for the table ${quote(table)}`, () =>
    session.query<FoundRow>(findSql, [wanted]),
  );
  const home = row?.found ?? schema ?? row?.current;
  if (!row || !home) throw noSchema();
  return { schema: home, table, exists: row.found !== null, standby: row.standby };
}

type FoundRow = Row & { found: string | null; current: string | null; standby: boolean };

const findSql = `
  select pg_catalog.current_schema() as current, pg_catalog.pg_is_in_recovery() as standby,
    (select n.nspname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.oid = pg_catalog.to_regclass($1)) as found`;

const noSchema = (): Failure =>
  new Failure(
    "refused",
    "no schema of the search path exists for this user, so there is no place for the history",
    {
      hint: "name one with schema, or set the search_path of the user",
    },
  );

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

export const shown = ({ schema, table }: HistoryPlace): string => `the table ${quote(`${schema}.${table}`)}`;

const qualified = ({ schema, table }: HistoryPlace): string => `${identifier(schema)}.${identifier(table)}`;

/**
 * The key of the advisory lock, the same for all that share a history.
 * Advisory locks are a database's own, so its name has no part in it.
 */
export function lockKeyOf({ schema, table }: HistoryPlace): bigint {
  return createHash("sha256").update(`initkit:${schema}.${table}`).digest().readBigInt64BE(0);
}

/** Makes the table, and the schema for it; only under the lock, since even IF NOT EXISTS races. */
export async function createHistory(session: Session, place: HistoryPlace): Promise<void> {
  await bookkeeping(`cannot create ${shown(place)}`, async () => {
    const found = await session.query("select 1 from pg_catalog.pg_namespace where nspname = $1", [
      place.schema,
    ]);
    if (found.length === 0) await session.query(`create schema ${identifier(place.schema)}`);
    await session.query(tableSql(qualified(place)));
  });
}

const tableSql = (name: string): string => `create table ${name} (
  version text collate "C" primary key,
  name text not null,
  kind text not null,
  checksum text not null,
  state text not null check (state in ('running', 'done')),
  statements_started integer not null default 0,
  statements_done integer not null default 0,
  done_checksum text,
  applied_at timestamptz not null default pg_catalog.now(),
  duration_ms bigint not null default 0,
  applied_by text not null,
  initkit_version text not null
)`;

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

/** Runs initkit's own statements, and says what they were for where they fail. */
export async function bookkeeping<T>(doing: string, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw bookkeepingFailure(doing, error);
  }
}
