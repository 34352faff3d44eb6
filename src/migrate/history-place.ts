import { createHash } from "node:crypto";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { identifier } from "../postgres/quoting.ts";
import type { Row, Session } from "../postgres/session.ts";
import { bookkeeping } from "./bookkeeping.ts";

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

export const shown = ({ schema, table }: HistoryPlace): string => `the table ${quote(`${schema}.${table}`)}`;

/** Its name in SQL. */
export const qualified = ({ schema, table }: HistoryPlace): string =>
  `${identifier(schema)}.${identifier(table)}`;

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
