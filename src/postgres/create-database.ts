import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { bookkeepingFailure, isServerError } from "./errors.ts";
import { openSession, type SessionOptions, userOf } from "./open-session.ts";
import { identifier } from "./quoting.ts";
import type { Session } from "./session.ts";
import type { DatabaseSettings } from "./settings.ts";

/** Databases that every server has, unless somebody took them away. */
const maintenance = ["postgres", "template1"];

/** Whether a login failed since there is no such database. */
export const isMissingDatabase = (error: unknown): error is Failure =>
  error instanceof Failure && error.kind === "postgres:3D000";

/** The name of the database that a login is for. */
export const databaseName = (settings: DatabaseSettings): string => settings.database ?? userOf(settings);

/**
 * Creates the database that the settings name, for their user. That another one creates it at the same time is fine.
 * @returns false where another one has created it
 * @throws Failure `refused` without the right to, `database-unavailable`
 */
export async function createDatabase(settings: DatabaseSettings, options: SessionOptions): Promise<boolean> {
  const name = databaseName(settings);
  const doing = `cannot create the database ${quote(name)}`;
  await using session = await openMaintenance(settings, options, doing);
  try {
    const found = await session.query("select 1 from pg_catalog.pg_database where datname = $1", [name]);
    if (found.length > 0) return false;
    await session.query(`create database ${identifier(name)}`);
    return true;
  } catch (error) {
    if (isServerError(error) && createdMeanwhile.has(error.code)) return false;
    throw creationFailure(doing, error);
  }
}

const createdMeanwhile = new Set(["42P04", "23505"]);

/** The template is in use, or the server is a standby: either may be over soon. */
const passing = new Set(["55006", "25006"]);

function creationFailure(doing: string, error: unknown): unknown {
  const failure = bookkeepingFailure(doing, error);
  if (!(failure instanceof Failure) || !isServerError(error)) return failure;
  if (passing.has(error.code))
    return new Failure("database-unavailable", failure.message, { ...failure.options, permanent: undefined });
  if (error.code === "42501")
    return new Failure("refused", failure.message, { ...failure.options, hint: rights });
  return failure;
}

const rights = "give the user CREATEDB, or have the database created for it, with the user as its owner";

async function openMaintenance(
  settings: DatabaseSettings,
  options: SessionOptions,
  doing: string,
): Promise<Session> {
  const failures: Failure[] = [];
  for (const database of maintenance) {
    try {
      return await openSession({ ...settings, database }, options);
    } catch (error) {
      if (!(error instanceof Failure) || !error.permanent) throw error;
      options.signal.throwIfAborted();
      failures.push(error);
    }
  }
  const [{ code, options: told, message }] = failures as [Failure];
  throw new Failure(code, `${doing}: there is no other one to do so from: ${message}`, told);
}
