import { Failure } from "../failure.ts";
import { tokens } from "./lexer.ts";
import { type ScriptFile, statementsOf } from "./script-file.ts";
import type { Statement } from "./statements.ts";
import { placeOf } from "./text.ts";

/**
 * What in the files needs a session of its own, or would leave something behind in one that others use next.
 * @returns file and line, with a word for it; undefined where nothing does
 */
export function sessionNeedIn(files: Iterable<ScriptFile>): string | undefined {
  for (const file of files) {
    const need = needOf(file);
    if (need !== undefined) return need;
  }
  return undefined;
}

/** @param where the pooler, as messages call it */
export const sessionRefusal = (need: string, where: string): Failure =>
  new Failure("refused", `${need} needs a session of its own, and ${where} is a pooler in transaction mode`, {
    kind: "pooler",
    hint: "give migrate the address of PostgreSQL itself, or a pool in session mode; what only sets something may be SET LOCAL",
  });

function needOf(file: ScriptFile): string | undefined {
  const { migration, text, body } = file;
  if (!file.transaction) return `${migration.name}, a file without a transaction,`;
  for (const statement of statementsOf(file)) {
    const what = sessionWords(statement, body.sql.slice(statement.start, statement.end));
    if (what !== undefined) return `${placeOf(migration.name, text, body.origin(statement.start))}: ${what}`;
  }
  return undefined;
}

/** Whether a SET is for the transaction alone. @param second the word behind SET */
export const setsTransaction = (second: string): boolean =>
  ["LOCAL", "TRANSACTION", "CONSTRAINTS"].includes(second);

/** A word for it, where what a statement does outlives its transaction without being in the database. */
function sessionWords(
  { words: [first = "", second = "", third = ""] }: Statement,
  text: string,
): string | undefined {
  switch (first) {
    case "SET":
      return setsTransaction(second) ? undefined : `SET ${second}`;
    case "RESET":
    case "LISTEN":
    case "LOAD":
    case "PREPARE":
    case "DISCARD":
      return `${first} ${second}`;
    case "DECLARE":
      return /\bwith\s+hold\b/i.test(text) ? "a cursor WITH HOLD" : undefined;
    case "CREATE":
      return isTemporary(second, third) && !/\bon\s+commit\s+drop\b/i.test(text)
        ? "a temporary table"
        : undefined;
    default:
      return sessionCallIn(text);
  }
}

const isTemporary = (...words: readonly string[]): boolean =>
  words.some((word) => /^TEMP(?:ORARY)?$/.test(word));

const sessionLock = /^pg_(?:try_)?advisory_lock(?:_shared)?$/i;

/** A call that sets something or takes a lock for longer than the transaction; pg_dump writes such ones. */
function sessionCallIn(text: string): string | undefined {
  const words = [...tokens(text)].map(({ start, end }) => text.slice(start, end));
  return words.find((word, at) => {
    if (words[at + 1] !== "(") return false;
    return (
      sessionLock.test(word) || (/^set_config$/i.test(word) && !/^true$/i.test(lastArgument(words, at + 1)))
    );
  });
}

/** @param open the index of the parenthesis that opens */
function lastArgument(words: readonly string[], open: number): string {
  let depth = 0;
  const end = words.findIndex((word, at) => {
    if (at >= open && word === "(") depth++;
    if (at >= open && word === ")") depth--;
    return at > open && depth === 0;
  });
  return words[end - 1] ?? "";
}
