import { Failure } from "../failure.ts";
import { beginningOf, serverWords } from "../format.ts";
import { bookkeepingFailure, isServerError, type ServerError } from "../postgres/errors.ts";
import type { ScriptError } from "../postgres/script.ts";
import { excerpt } from "./excerpt.ts";
import type { Span } from "./lexer.ts";
import { type Part, type ScriptFile, statementsOf } from "./script-file.ts";
import { indexOfCharacter, indexOfLine, locate, type Place } from "./text.ts";

/** Another try may find the tables free: lock timeout, deadlock, serialization failure. */
const passing: Readonly<Record<string, string>> = {
  "55P03":
    "another session uses a table that this file changes: look for long transactions in pg_stat_activity; the file is tried again until the timeout of the step",
  "40P01": "it crossed with another session's locks; the file is tried again",
  "40001": "it crossed with another session's changes; the file is tried again",
};

const hints: Readonly<Record<string, string>> = {
  "25001":
    "take it out of BEGIN and COMMIT; SET TRANSACTION has to be the first statement, and cannot be where the first line is -- initkit: no-transaction",
  "42501": "grant the user what is missing, or migrate as the owner",
  "57014": "it was cancelled by statement-timeout, or by somebody with pg_cancel_backend",
};

const rolledBack = "the file was rolled back as a whole; mend it and run again";
const halfway =
  "what comes before this statement stays applied; mend the rest of the file and run again to go on from here";

/**
 * A statement of a file that failed, as a Failure that shows the place in the file.
 * @param part what was sent to the server; undefined for the COMMIT behind the file
 */
export function sqlFailure(file: ScriptFile, part: Part | undefined, failed: ScriptError): unknown {
  const { error, completed } = failed;
  if (!isServerError(error)) return error;
  if (completed === undefined) return bookkeepingFailure(`cannot begin ${file.migration.name}`, error);
  const found = part && find(file, part, error, completed);
  const message = [
    headline(file, part, found, error),
    ...(found ? excerpt(found, found.exact) : []),
    ...furtherWords(error),
  ];
  return failureFor(error, message.join("\n"), file);
}

function headline(
  { migration }: ScriptFile,
  part: Part | undefined,
  found: Found | undefined,
  error: ServerError,
) {
  const where = found ? `:${found.line}:${found.column}` : part ? "" : ", at COMMIT";
  const statement = found ? `, statement ${found.statement}` : "";
  return `${migration.name}${where}: ${serverWords(error.message)} (SQLSTATE ${error.code}${statement})`;
}

function failureFor(error: ServerError, message: string, file: ScriptFile): Failure {
  const kind = `sql:${error.code}`;
  const transient = passing[error.code];
  if (transient) return new Failure("database-unavailable", message, { kind, hint: transient, cause: error });
  const after = file.transaction ? rolledBack : halfway;
  const special = undefinedVariable.test(error.message) ? variableHint : hints[error.code];
  return new Failure("sql", message, { kind, hint: special ? `${special}; ${after}` : after, cause: error });
}

/** The server knows no colon that stands alone. */
const undefinedVariable = /":"/;
const variableHint = "give a variable that psql would replace with var NAME=VALUE";

interface Found extends Place {
  /** Whether it is the very character, not just the beginning of a statement or of a line of data. */
  readonly exact: boolean;
  /** Which statement of the file failed, from 1. */
  readonly statement: number;
}

/** The server's position is one in what was sent; without one, it was the statement that did not complete. */
function find(file: ScriptFile, part: Part, error: ServerError, completed: number): Found | undefined {
  const { sql, origin } = file.body;
  const begunBefore = (end: number) => statementsOf(file).filter(({ start }) => start < end);
  if (error.position !== undefined) {
    const at = indexOfCharacter(sql, Number(error.position), part.start);
    return { ...locate(file.text, origin(at)), exact: true, statement: countOf(begunBefore(at + 1)) };
  }
  const done = countOf(begunBefore(part.start)) + completed;
  const failed = statementsOf(file).drop(done).next().value;
  if (!failed) return undefined;
  const at = failed.data ? (lineOfData(sql, failed.data, error) ?? failed.start) : failed.start;
  return { ...locate(file.text, origin(at)), exact: false, statement: done + 1 };
}

const countOf = (all: IteratorObject<unknown>): number => all.reduce<number>((sum) => sum + 1, 0);

/** The server counts the lines of data where it says what it was doing. */
function lineOfData(sql: string, { start }: Span, { where }: ServerError): number | undefined {
  const [, line] = /^COPY .*?, \p{L}+ ([0-9]+)/mu.exec(where ?? "") ?? [];
  return line === undefined ? undefined : indexOfLine(sql, Number(line), start);
}

const longest = 500;

function furtherWords({ detail, hint, constraint, where, internalQuery }: ServerError): string[] {
  const words = { DETAIL: detail, HINT: hint, CONSTRAINT: constraint, QUERY: internalQuery, WHERE: where };
  return Object.entries(words).flatMap(([label, text]) =>
    text ? [`${label}: ${cut(serverWords(text))}`] : [],
  );
}

const cut = (text: string): string => (text.length > longest ? `${beginningOf(text, longest)}…` : text);
