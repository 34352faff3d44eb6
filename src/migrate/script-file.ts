import { readFile } from "node:fs/promises";
import { Failure } from "../failure.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import { type Migration, readSql } from "./files.ts";
import { type Statement, statements } from "./lexer.ts";
import { sectionOf } from "./sections.ts";
import { checksumOf, placeOf } from "./text.ts";

/** A migration that is about to be applied, with its text. */
export interface ScriptFile {
  readonly migration: Migration;
  /** The whole file, without a BOM. */
  readonly text: string;
  /** What of the text is applied. */
  readonly start: number;
  readonly end: number;
  /** Whether the file is applied in one transaction, or statement by statement. */
  readonly transaction: boolean;
}

/**
 * Reads what is to be applied, and looks for what would break the promise of one transaction.
 * @throws Failure `configuration` naming file and line
 */
export async function readScript(found: Migration): Promise<ScriptFile> {
  const text = await readSql(found);
  const section = sectionOf(found.name, text);
  const transaction = section.transaction && !(await disabledBeside(found));
  const file = { ...section, transaction, text, migration: { ...found, checksum: checksumOf(text) } };
  if (transaction) refuseTransactionControl(file);
  return file;
}

/** Flyway keeps this in a file of its own: `V1__x.sql.conf`. */
async function disabledBeside({ path }: Migration): Promise<boolean> {
  try {
    return /^\s*executeInTransaction\s*=\s*false\s*$/m.test(await readFile(`${path}.conf`, "utf8"));
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return false;
    throw fileFailure(`cannot read "${path}.conf"`, error);
  }
}

/** The statements to apply, with their places in the whole text. */
export function* statementsOf({ text, start, end }: ScriptFile): Generator<Statement> {
  for (const { start: from, end: to, words } of statements(text.slice(start, end))) {
    yield { start: start + from, end: start + to, words };
  }
}

function refuseTransactionControl(file: ScriptFile): void {
  for (const statement of statementsOf(file)) {
    if (!endsTransaction(statement)) continue;
    const { migration, text } = file;
    const place = placeOf(migration.name, text, statement.start);
    throw new Failure("configuration", `${place}: ${statement.words[0]} in a file that is one transaction`, {
      hint: "each file is a transaction already: take BEGIN and COMMIT out, or, to have none, make the first line -- initkit: no-transaction",
    });
  }
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
