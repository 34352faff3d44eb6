import { isServerError } from "../postgres/errors.ts";
import { identifier, literal } from "../postgres/quoting.ts";
import type { Session } from "../postgres/session.ts";
import { bookkeeping } from "./bookkeeping.ts";

export interface SurroundingsOptions {
  /** In milliseconds; `Infinity` for none. */
  readonly statementTimeout: number;
  /** Stands first on the search path. */
  readonly schema: string | undefined;
}

/** A table lock is waited for this long at a time; while we wait, all others queue up behind us. */
const lockTimeout = "5s";
const longestTimeoutMs = 2 ** 31 - 1;

/**
 * A role's own limits are meant for its queries, not for migrations; a file means the same in every database; and a
 * dead peer's lock must not outlive it.
 */
const fixed: Readonly<Record<string, string>> = {
  lock_timeout: lockTimeout,
  standard_conforming_strings: "on",
  idle_in_transaction_session_timeout: "0",
  idle_session_timeout: "0",
  transaction_timeout: "0",
  tcp_keepalives_idle: "30",
  tcp_keepalives_interval: "10",
  tcp_keepalives_count: "3",
  tcp_user_timeout: "60s",
};

/** So a killed client's statement ends soon, and its lock is free (PostgreSQL 14 and later, where the system can). */
const connectionCheck = { client_connection_check_interval: "1s" };

/** How long settings last. */
export type Span = "session" | "transaction";

/**
 * Gives the session the settings that migrations run with; those for a transaction it only tries out.
 * @returns the SQL that brings them back after a file has changed what it liked, or sets them in a transaction
 */
export async function prepareSession(
  session: Session,
  options: SurroundingsOptions,
  span: Span = "session",
): Promise<string> {
  const settings = { ...fixed, ...(await chosen(session, options)) };
  const checked = settingsSql({ ...settings, ...connectionCheck }, span);
  try {
    await session.query(checked);
    return checked;
  } catch (error) {
    if (!isServerError(error)) throw error;
    const unchecked = settingsSql(settings, span);
    await bookkeeping("cannot set up the session", () => session.query(unchecked));
    return unchecked;
  }
}

async function chosen(
  session: Session,
  { statementTimeout, schema }: SurroundingsOptions,
): Promise<Record<string, string>> {
  const limit = statementTimeout === Infinity ? 0 : Math.min(Math.ceil(statementTimeout), longestTimeoutMs);
  const timeout = { statement_timeout: String(limit) };
  if (schema === undefined) return timeout;
  const [row] = await session.query("select pg_catalog.current_setting('search_path') as path");
  return { ...timeout, search_path: [identifier(schema), row?.["path"]].filter(Boolean).join(", ") };
}

/** Only those that this version of PostgreSQL has; counted, so that the answer, which each file has, is short. */
function settingsSql(settings: Readonly<Record<string, string>>, span: Span): string {
  const rows = Object.entries(settings).map(([name, value]) => `(${literal(name)}, ${literal(value)})`);
  const local = span === "transaction";
  const set = `pg_catalog.set_config(s.name, s.value, ${local})`;
  return `select pg_catalog.count(${set}) from (values ${rows.join(", ")}) as s (name, value)
    where pg_catalog.current_setting(s.name, true) is not null`;
}

/**
 * Runs a statement that keeps nobody out while it waits: for it the limit on waiting for locks is lifted, unless the
 * file has set one of its own. A failure ends the session, and with it its settings.
 */
export async function waitingFreely(session: Session, run: () => Promise<void>): Promise<void> {
  const set = (value: string, where: string) =>
    bookkeeping("cannot set lock_timeout", () =>
      session.query(`select pg_catalog.set_config('lock_timeout', '${value}', false) where ${where}`),
    );
  const lifted = await set("0", `pg_catalog.current_setting('lock_timeout') = '${lockTimeout}'`);
  await run();
  if (lifted.length > 0) await set(lockTimeout, "true");
}

/** Takes back what a file may have set, so that the next one finds the session as the first one did. */
export const resetSql = "reset session authorization; reset role; reset all";

/** The same for what lives outside of transactions. */
export const discardSql = "close all; deallocate all; unlisten *; discard temp; discard sequences";

/** Steps out of what a file has set, up to the end of the transaction. */
export const stepOutSql =
  "set local session authorization default; set local role to default; set local search_path to pg_catalog";
