import { Failure } from "../failure.ts";
import { serverWords } from "../format.ts";
import { isServerError, type ServerError } from "../postgres/errors.ts";
import type { ScriptError } from "../postgres/script.ts";
import { type ScriptFile, statementsOf } from "./script-file.ts";
import { indexOfCharacter, locate, type Place } from "./text.ts";

/** Another try may find the tables free: lock timeout, deadlock, serialization failure. */
const passing: Readonly<Record<string, string>> = {
  "55P03":
    "another session uses a table that this file changes: look for long transactions in pg_stat_activity; the file is tried again until the timeout of the step",
  "40P01": "it crossed with another session's locks; the file is tried again",
  "40001": "it crossed with another session's changes; the file is tried again",
};

const hints: Readonly<Record<string, string>> = {
  "25001": "make the first line -- initkit: no-transaction, so that the file runs statement by statement",
  "42501": "grant the user what is missing, or migrate as the owner",
  "57014": "it was cancelled by statement-timeout, or by somebody with pg_cancel_backend",
};

const rolledBack = "the file was rolled back as a whole; mend it and run again";
const halfway =
  "what comes before this statement stays applied; mend the rest of the file and run again to go on from here";

/**
 * A statement of a file that failed, as a Failure that shows the place in the file.
 * @param sent the index in the file's text where the text begins that was sent to the server
 */
export function sqlFailure(file: ScriptFile, sent: number, failed: ScriptError): unknown {
  const { error, completed } = failed;
  if (!isServerError(error)) return error;
  const place = placeIn(file, sent, error, completed);
  const message = [
    `${place ? `${file.migration.name}:${place.line}:${place.column}` : `${file.migration.name}, at COMMIT`}: ${told(error)}`,
    ...(place ? excerpt(place, error.position !== undefined) : []),
    ...furtherWords(error),
  ].join("\n");
  return failureFor(error, message, file);
}

function failureFor(error: ServerError, message: string, file: ScriptFile): Failure {
  const kind = `sql:${error.code}`;
  const transient = passing[error.code];
  if (transient) return new Failure("database-unavailable", message, { kind, hint: transient, cause: error });
  const after = file.transaction ? rolledBack : halfway;
  const special = psqlCommand.test(error.message) ? psqlHint : hints[error.code];
  return new Failure("sql", message, { kind, hint: special ? `${special}; ${after}` : after, cause: error });
}

const psqlCommand = /^syntax error at or near "\\/;
const psqlHint = "commands of psql (\\connect, \\i, \\restrict, \\.) are not SQL; take them out";

const told = (error: ServerError): string => `${serverWords(error.message)} (SQLSTATE ${error.code})`;

/** The server's position, in characters of what was sent; without one, the statement that did not complete. */
function placeIn(file: ScriptFile, sent: number, error: ServerError, completed: number): Place | undefined {
  if (error.position !== undefined) {
    return locate(file.text, indexOfCharacter(file.text, Number(error.position), sent));
  }
  let left = completed;
  for (const { start } of statementsOf(file)) {
    if (start >= sent && left-- === 0) return locate(file.text, start);
  }
  return undefined;
}

const excerptWidth = 100;

/** The line, cut to what is around the column, and a caret below it. */
function excerpt({ line, column, source }: Place, caret: boolean): string[] {
  const characters = Array.from(source, (character) =>
    /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u.test(character) ? " " : character,
  );
  const from = Math.max(0, Math.min(column - 1 - excerptWidth / 2, characters.length - excerptWidth));
  const shown = characters.slice(from, from + excerptWidth).join("");
  const margin = `  ${line} | `;
  const lines = [`${margin}${shown}`];
  if (caret) lines.push(`${" ".repeat(margin.length + column - 1 - from)}^`);
  return lines;
}

const longest = 500;

function furtherWords({ detail, hint, where, internalQuery }: ServerError): string[] {
  const words = { DETAIL: detail, HINT: hint, QUERY: internalQuery, WHERE: where };
  return Object.entries(words).flatMap(([label, text]) =>
    text ? [`${label}: ${cut(serverWords(text))}`] : [],
  );
}

const cut = (text: string): string => (text.length > longest ? `${text.slice(0, longest)}…` : text);
