import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { createDatabase, databaseName, isMissingDatabase } from "../postgres/create-database.ts";
import { openSession, type SessionOptions } from "../postgres/open-session.ts";
import type { Session } from "../postgres/session.ts";
import type { DatabaseSettings } from "../postgres/settings.ts";
import type { Log } from "../task.ts";

export interface Database extends SessionOptions {
  readonly settings: DatabaseSettings;
}

export interface OpenOptions {
  readonly createDatabase: boolean;
  readonly waitOnly: boolean;
  readonly dryRun: boolean;
}

/** @throws Failure `configuration`, `database-unavailable` or `refused` */
export const openDatabase = (database: Database): Promise<Session> =>
  openSession(database.settings, database);

/**
 * Opens a session, and creates the database before that where it is missing and may be created.
 * @returns undefined in a dry run, where the database would be created
 * @throws Failure `configuration`, `database-unavailable` or `refused`
 */
export async function openOrCreate(
  database: Database,
  options: OpenOptions,
  log: Log,
): Promise<Session | undefined> {
  try {
    return await openDatabase(database);
  } catch (error) {
    if (!options.createDatabase || !isMissingDatabase(error)) throw error;
    if (options.waitOnly) throw notCreated(error);
  }
  const name = quote(databaseName(database.settings));
  if (options.dryRun) {
    log.info(`would create the database ${name}`);
    return undefined;
  }
  if (await createDatabase(database.settings, database)) log.info(`created the database ${name}`);
  return await openDatabase(database);
}

const notCreated = ({ message, kind }: Failure): Failure =>
  new Failure("database-unavailable", message, {
    kind,
    hint: "wait-only creates nothing: look at the Job or pod that does",
  });
