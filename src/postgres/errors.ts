import type { DatabaseError } from "pg";
import { Failure, type FailureCode } from "../failure.ts";
import { serverWords } from "../format.ts";
import { networkFailure } from "../net/errors.ts";

/** An error that the server reported, with its SQLSTATE (PostgreSQL manual, appendix A). */
export type ServerError = DatabaseError & { readonly code: string };

export function isServerError(error: unknown): error is ServerError {
  const { code, severity } = error as Partial<ServerError>;
  return error instanceof Error && typeof severity === "string" && /^[0-9A-Z]{5}$/.test(code ?? "");
}

const told = ({ message, code }: ServerError): string => `${serverWords(message)} (SQLSTATE ${code})`;

/** The login failed for good, by SQLSTATE. */
const refusals: Readonly<Record<string, string>> = {
  "28P01": "check the user and the password, and that the Secret is the one that the server was set up with",
  "28000":
    "check the user, and that pg_hba.conf of the server lets it in from this address with this sslmode",
  "3D000":
    "check the name of the database; it must have been created, which migrate does with create-database",
  "42501": "the user lacks the CONNECT privilege on the database",
  "42704": "check options in the URL and PGOPTIONS; a pooler takes none of them",
};

const starting = "the server is starting, stopping or full; if that lasts, look at its log";

/** PgBouncer has one SQLSTATE, 08P01, for all that it has to say itself; what PostgreSQL would say. */
const saidByPooler: readonly (readonly [RegExp, string])[] = [
  [/authentication failed$/, "28P01"],
  [/^no such user/, "28000"],
  [/^no such database/, "3D000"],
  [/^unsupported startup parameter/, "42704"],
];

const sqlStateOf = ({ code, message }: ServerError): string =>
  (code === "08P01" && saidByPooler.find(([pattern]) => pattern.test(message))?.[1]) || code;

/** Classes of SQLSTATE that another try can help: connection, resources, operator, system and internal errors. */
const passing = /^(?:08|53|57|58|XX)/;

/**
 * A failed start-up, as a Failure.
 * @param where the server: `db:5432`
 */
export function startupFailure(where: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  if (!isServerError(error)) return withoutAnswer(where, error);
  const sqlState = sqlStateOf(error);
  const refused = !passing.test(sqlState);
  const code: FailureCode = refused ? "refused" : "database-unavailable";
  return new Failure(code, `${where}: ${told(error)}`, {
    hint: refused ? refusals[sqlState] : starting,
    kind: `postgres:${sqlState}`,
    cause: error,
  });
}

function withoutAnswer(where: string, error: unknown): Failure {
  const { code, message, options } = networkFailure("database-unavailable", "postgres", where, error);
  return new Failure(code, message, { ...options, hint: options.hint ?? notPostgres });
}

const notPostgres =
  "check that the port is that of PostgreSQL or of its pooler, and look at the log of what listens there";

/** A session that the server ended, or that broke; undefined for an error that leaves the session whole. */
export function lostSession(where: string, error: unknown): Failure | undefined {
  if (error instanceof Failure) return undefined;
  if (isServerError(error) && !/^(?:FATAL|PANIC)$/.test(error.severity ?? "")) return undefined;
  const failure = isServerError(error)
    ? new Failure("database-unavailable", told(error), { kind: `postgres:${error.code}`, cause: error })
    : networkFailure("database-unavailable", "postgres", "connection lost", error);
  return new Failure(failure.code, `${where}: the session ended: ${failure.message}`, {
    ...failure.options,
    hint: "the server was restarted, or the connection cut on the way: look at the log of the server",
  });
}

/**
 * An error in initkit's own statements (not those of a file), as a Failure.
 * @param doing what was being done: `cannot create the table public.initkit_migrations`
 */
export function bookkeepingFailure(doing: string, error: unknown): unknown {
  if (!isServerError(error)) return error;
  const message = `${doing}: ${told(error)}`;
  const kind = `postgres:${error.code}`;
  if (error.code === "42501") return new Failure("refused", message, { kind, hint: rights, cause: error });
  const races = ["23505", "42P06", "42P07", "40001", "40P01", "55P03"];
  if (races.includes(error.code) || passing.test(error.code)) {
    return new Failure("database-unavailable", message, { kind, cause: error });
  }
  return new Failure("sql", message, { kind, cause: error });
}

const rights =
  "grant the user what is missing (CREATE on the schema, or all on the table), or connect as its owner";
