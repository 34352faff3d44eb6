import { existsSync } from "node:fs";
import { Failure } from "../failure.ts";
import { type Body, bodyOf } from "./body.ts";
import type { Migration } from "./files.ts";
import { endOfData, type Span } from "./lexer.ts";
import { refusesTransaction } from "./no-transaction.ts";
import { readBytes } from "./read-file.ts";
import { changesReading } from "./reading.ts";
import { sectionOf } from "./sections.ts";
import { type Statement, statements } from "./statements.ts";
import { checksumOf, decodeSql, placeOf } from "./text.ts";
import type { Variables } from "./variables.ts";

/** A migration that is about to be applied, with its text. */
export interface ScriptFile {
  readonly migration: Migration;
  /** The whole file, without a BOM. */
  readonly text: string;
  /** What of it is applied. */
  readonly body: Body;
  /**
   * The messages it is sent in, as few as can be: one ends where data follow, and where the server is to read strings
   * in another way, since it reads a whole message before it runs the first statement in it.
   */
  readonly parts: readonly Part[];
  /** Whether the file is applied in one transaction, or statement by statement. */
  readonly transaction: boolean;
}

/** A part of the SQL of a file that is sent in one message. */
export interface Part extends Span {
  /** What its last statement reads from the client. */
  readonly data?: Span | undefined;
}

/**
 * Reads what is to be applied, and looks for what would break the promise of one transaction.
 * @throws Failure `configuration` naming file and line
 */
export function readScript(found: Migration, variables: Variables): ScriptFile {
  const bytes = readBytes(found.path);
  const text = decodeSql(found.name, bytes);
  const section = sectionOf(found.name, text);
  const body = bodyOf(found.name, text, section, variables);
  const { parts, refusing, ending } = survey(body.sql);
  const transaction = section.transaction && !refusing && !disabledBeside(found);
  const file = { text, body, parts, transaction, migration: { ...found, checksum: checksumOf(bytes) } };
  if (transaction && ending) throw transactionControl(file, ending);
  return file;
}

/** Flyway keeps this in a file of its own: `V1__x.sql.conf`. */
function disabledBeside({ path }: Migration): boolean {
  const settings = `${path}.conf`;
  return (
    existsSync(settings) && /^\s*executeInTransaction\s*=\s*false\s*$/m.test(readBytes(settings).toString())
  );
}

/** The statements to apply, with their places in the SQL of the file. */
export const statementsOf = ({ body }: ScriptFile): Generator<Statement> => statements(body.sql);

interface Survey {
  readonly parts: readonly Part[];
  /** Whether a statement cannot run in a transaction. */
  readonly refusing: boolean;
  /** The first statement that would end a transaction. */
  readonly ending: Statement | undefined;
}

function survey(sql: string): Survey {
  const parts: Part[] = [];
  let refusing = false;
  let ending: Statement | undefined;
  let start = 0;
  for (const statement of statements(sql)) {
    const { end, data, words } = statement;
    refusing ||= refusesTransaction(statement, sql);
    if (endsTransaction(statement)) ending ??= statement;
    if (!data && !changesReading(words)) continue;
    parts.push({ start, end, data });
    start = data ? endOfData(sql, data) : end;
  }
  return { parts: [...parts, { start, end: sql.length }], refusing, ending };
}

function transactionControl({ migration, text, body }: ScriptFile, { start, words }: Statement): Failure {
  const place = placeOf(migration.name, text, body.origin(start));
  return new Failure("configuration", `${place}: ${words[0]} in a file that is one transaction`, {
    hint: "each file is a transaction already: take BEGIN and COMMIT out, or, to have none, make the first line -- initkit: no-transaction",
  });
}

/** COMMIT, END, ABORT, PREPARE TRANSACTION, and ROLLBACK unless to a savepoint. */
function endsTransaction({ words }: Statement): boolean {
  const [first, second, third] = words;
  if (first === "ROLLBACK") return second !== "TO" && third !== "TO";
  return (
    first === "COMMIT" ||
    first === "END" ||
    first === "ABORT" ||
    (first === "PREPARE" && second === "TRANSACTION")
  );
}
