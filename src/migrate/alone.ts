import type { Statement } from "./lexer.ts";

const always = new Set([
  "VACUUM",
  "ALTER SYSTEM",
  "CREATE DATABASE",
  "DROP DATABASE",
  "CREATE TABLESPACE",
  "DROP TABLESPACE",
]);

/**
 * Whether a statement is one that PostgreSQL runs in no transaction block. Some are not known by their first words
 * (`REINDEX SCHEMA`, `CREATE SUBSCRIPTION`, a procedure with a COMMIT): of those the server says so.
 */
export function runsAlone({ words }: Statement): boolean {
  const [first = "", second = ""] = words;
  if (always.has(first) || always.has(`${first} ${second}`)) return true;
  const isOfIndex = first === "REINDEX" || /^(?:CREATE(?: UNIQUE)?|DROP) INDEX /.test(words.join(" "));
  return isOfIndex && words.includes("CONCURRENTLY");
}
