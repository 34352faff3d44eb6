import { Failure } from "../failure.ts";
import { bookkeepingFailure, isServerError } from "../postgres/errors.ts";
import { type Guard, ScriptError } from "../postgres/script.ts";
import type { Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { bookkeeping } from "./bookkeeping.ts";
import { doneSql } from "./history.ts";
import type { HistoryPlace } from "./history-place.ts";
import type { Part, ScriptFile } from "./script-file.ts";
import { sqlFailure } from "./sql-failure.ts";
import { discardSql, resetSql, type Span, stepOutSql } from "./surroundings.ts";

/** What applying a file needs; the session, or its transaction, holds the lock. */
export interface Work {
  readonly session: Session;
  readonly place: HistoryPlace;
  /** Whose the lock and the settings are. */
  readonly span: Span;
  /** SQL that brings the session's own settings back, or gives the transaction its own. */
  readonly settings: string;
  readonly appliedBy: string;
  readonly log: Log;
}

/** The file and its row in the history, in one transaction: a new one, or the one that holds the lock. */
export async function applyInTransaction(work: Work, file: ScriptFile): Promise<void> {
  const { session, span, settings } = work;
  if (span === "session") await begin(session);
  else await bookkeeping("cannot set up the transaction", () => session.query(settings));
  for (const part of file.parts) {
    await runPart(session, file, part);
    if (session.transaction !== "open") throw endedItself(file);
  }
  await commit(work, file);
}

/** Whatever the role's own defaults are. */
const beginSql = "begin isolation level read committed read write";

export async function begin(session: Session): Promise<void> {
  await bookkeeping("cannot begin a transaction", () => session.query(beginSql));
}

/** Ends what is open, so that a pooler can give its session of the server to others. */
export async function rollBack(session: Session): Promise<void> {
  if (session.transaction !== "none") await session.query("rollback").catch(() => {});
}

/** Fails where no transaction is open, and where it has failed. */
const openTransaction: Guard = { sql: "savepoint initkit; release initkit;\n", statements: 2 };

/** Whether a file can be sent as a whole, with nothing to look at or to send in the middle of it. */
export const isWhole = ({ transaction, parts }: ScriptFile): boolean =>
  transaction && parts.length === 1 && !parts[0]!.data;

/**
 * Sends a file that is whole without a wait for what was sent before; it is not begun unless that has left a transaction open.
 * @param goesOn whether to begin the transaction of the next file where all went well
 */
export async function applyNext(work: Work, file: ScriptFile, goesOn: boolean): Promise<void> {
  const ran = runPart(work.session, file, file.parts[0]!, openTransaction);
  const committed = commit(work, file, goesOn);
  await inOrder([ran, committed]);
}

/** Waits for all, and fails as the first one that has failed. */
export async function inOrder(running: readonly Promise<void>[]): Promise<void> {
  const outcomes = await Promise.allSettled(running);
  for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
}

/** Sends a part of a file. @throws Failure that shows the place in the file */
export async function runPart(session: Session, file: ScriptFile, part: Part, guard?: Guard): Promise<void> {
  try {
    await sendPart(session, file, part, guard);
  } catch (error) {
    throw error instanceof ScriptError ? sqlFailure(file, part, error) : error;
  }
}

/** @throws ScriptError */
export async function sendPart(
  session: Session,
  { body: { sql } }: ScriptFile,
  { start, end, data }: Part,
  guard?: Guard,
): Promise<void> {
  await session.run(sql.slice(start, end), { guard, data: data && sql.slice(data.start, data.end) });
}

const endedItself = ({ migration }: ScriptFile): Failure =>
  new Failure("sql", `${migration.name}: the file has ended its transaction itself`, {
    hint: "look at what it has done, put that right by hand, and make its first line -- initkit: no-transaction",
  });

async function commit(work: Work, file: ScriptFile, goesOn = false): Promise<void> {
  const { session, place, span, settings, appliedBy } = work;
  const { migration } = file;
  const ownSession = span === "session";
  const leaving = ownSession ? [...resetSql.split("; "), settings] : stepOutSql.split("; ");
  const before = [...leaving, doneSql(place, migration, appliedBy)];
  const after = ownSession ? [beginSql, discardSql, "commit", ...(goesOn ? [beginSql] : [])] : [];
  const sql = [...before, "commit", ...after].join(";\n");
  try {
    await session.run(sql, { guard: openTransaction });
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    if (hasNoTransaction(error)) throw endedItself(file);
    throw error.completed === before.length
      ? sqlFailure(file, undefined, error)
      : bookkeepingFailure(`cannot record that ${migration.name} is applied`, error.error);
  }
}

const hasNoTransaction = ({ error, completed }: ScriptError): boolean =>
  completed === undefined && isServerError(error) && error.code === "25P01";
