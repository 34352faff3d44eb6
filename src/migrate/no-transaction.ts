import { Failure } from "../failure.ts";
import { type Token, tokens } from "./lexer.ts";
import type { Statement } from "./statements.ts";

/** Whether a statement cannot run in a transaction, as far as its text tells (PostgreSQL manual, part VI). */
export function refusesTransaction({ words, start, end }: Statement, sql: string): boolean {
  if (!firstWords.has(words[0]) || !candidates.test(words.slice(0, 3).join(" "))) return false;
  const head = headOf(sql.slice(start, end));
  return always.test(head) || concurrently.test(head);
}

/** A long file has mostly statements that begin with another word. */
const firstWords = new Set<string | undefined>(["VACUUM", "CLUSTER", "REINDEX", "ALTER", "CREATE", "DROP"]);

/** What may be one, so that only of those more is read. */
const candidates =
  /^(?:VACUUM|CLUSTER|REINDEX|ALTER (?:SYSTEM|DATABASE|SUBSCRIPTION|TABLE)|(?:CREATE|DROP)(?: UNIQUE)? (?:INDEX|DATABASE|TABLESPACE|SUBSCRIPTION))\b/;

const always = new RegExp(
  [
    "^VACUUM\\b",
    "^CLUSTER(?: VERBOSE| \\( .*\\))?$",
    "^REINDEX (?:\\( .* \\) )?(?:SCHEMA|DATABASE|SYSTEM)\\b",
    "^ALTER SYSTEM\\b",
    "^(?:CREATE|DROP) (?:DATABASE|TABLESPACE|SUBSCRIPTION)\\b",
    "^ALTER DATABASE .* SET TABLESPACE\\b",
    "^ALTER SUBSCRIPTION .* (?:REFRESH|SET|ADD|DROP) PUBLICATION\\b",
  ].join("|"),
);

const concurrently =
  /^(?:(?:CREATE(?: UNIQUE)?|DROP) INDEX CONCURRENTLY|REINDEX .*\bCONCURRENTLY|ALTER TABLE .* DETACH PARTITION .* CONCURRENTLY)\b/;

/** Whether a statement keeps nobody out while it waits for others, so that it may wait. */
export const runsConcurrently = (statement: string): boolean => concurrently.test(headOf(statement));

const tokensRead = 30;

/** The first tokens in upper case, with a blank between them; names and strings in quotes without what is in them. */
function headOf(statement: string): string {
  const text = ({ kind, start, end }: Token) =>
    kind === "name" || kind === "string" ? "''" : statement.slice(start, end).toUpperCase();
  return [...tokens(statement).take(tokensRead)].map(text).join(" ");
}

/**
 * Whether a file that was tried in a transaction failed for that alone: the server refuses a statement in one, or
 * wants a new value of an enum committed before its use. A file that sets up its transaction wants one.
 */
export function wantsNoTransaction(error: unknown, statements: IteratorObject<Statement>): boolean {
  if (!(error instanceof Failure) || !refusals.has(error.kind)) return false;
  return !statements.some(({ words }) => /^SET (?:LOCAL )?TRANSACTION/.test(words.join(" ")));
}

const refusals = new Set(["sql:25001", "sql:2D000", "sql:55P04"]);
