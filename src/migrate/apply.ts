import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { bookkeepingFailure } from "../postgres/errors.ts";
import { ScriptError } from "../postgres/script.ts";
import type { Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { bookkeeping, doneSql, type HistoryPlace } from "./history.ts";
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
  const startedAt = now();
  if (span === "session") await begin(session);
  else await bookkeeping("cannot set up the transaction", () => session.query(settings));
  for (const part of file.parts) {
    await runPart(session, file, part);
    if (session.transaction !== "open") throw endedItself(file);
  }
  await commit(work, file, now() - startedAt);
}

/** Whatever the role's own defaults are. */
export async function begin(session: Session): Promise<void> {
  const sql = "begin isolation level read committed read write";
  await bookkeeping("cannot begin a transaction", () => session.query(sql));
}

/** Ends what is open, so that a pooler can give its session of the server to others. */
export async function rollBack(session: Session): Promise<void> {
  if (session.transaction !== "none") await session.query("rollback").catch(() => {});
}

/** Sends a part of a file. @throws Failure that shows the place in the file */
export async function runPart(session: Session, file: ScriptFile, part: Part): Promise<void> {
  try {
    await sendPart(session, file, part);
  } catch (error) {
    throw error instanceof ScriptError ? sqlFailure(file, part, error) : error;
  }
}

/** @throws ScriptError */
export async function sendPart(
  session: Session,
  { body: { sql } }: ScriptFile,
  { start, end, data }: Part,
): Promise<void> {
  await session.run(sql.slice(start, end), data && sql.slice(data.start, data.end));
}

const endedItself = ({ migration }: ScriptFile): Failure =>
  new Failure("sql", `${migration.name}: the file has ended its transaction itself`, {
    hint: "look at what it has done, put that right by hand, and make its first line -- initkit: no-transaction",
  });

async function commit(work: Work, file: ScriptFile, durationMs: number): Promise<void> {
  const { session, place, span, settings, appliedBy } = work;
  const { migration } = file;
  const ownSession = span === "session";
  const leaving = ownSession ? [...resetSql.split("; "), settings] : stepOutSql.split("; ");
  const before = [...leaving, doneSql(place, migration, durationMs, appliedBy)];
  const after = ownSession ? [discardSql] : [];
  try {
    await session.run([...before, "commit", ...after].join(";\n"));
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    const atCommit = error.completed === before.length;
    throw atCommit
      ? sqlFailure(file, undefined, error)
      : bookkeepingFailure(`cannot record that ${migration.name} is applied`, error.error);
  }
}
