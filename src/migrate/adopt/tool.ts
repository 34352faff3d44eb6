import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import { identifier } from "../../postgres/quoting.ts";
import type { Row, Session } from "../../postgres/session.ts";
import type { FileNames } from "../file-names.ts";
import { bookkeeping } from "../bookkeeping.ts";
import { parseVersion, type Version } from "../version.ts";
import type { ToolName } from "./names.ts";

/** A migration tool whose databases can be adopted, as it is by default. */
export interface Tool {
  readonly name: ToolName;
  readonly table: string;
  /** Where its table always is; without it, anywhere in the search path. */
  readonly schema?: string;
  /** All columns of its table and their types; an empty type may be any. */
  readonly columns: Readonly<Record<string, string>>;
  /** A table that shows that it is another tool after all. */
  readonly notBeside?: string;
  readonly files?: FileNames;
  /** @throws Failure `configuration` for the text of a pending file that the tool would not apply as it stands */
  refuseText?(name: string, text: string): void;
  /**
   * Takes the tool's own lock up to the end of the transaction.
   * @returns who has it, where it is not granted
   */
  lock?(session: Session, table: ForeignTable): Promise<string | undefined>;
  /** @throws Failure `history` for a state that a person must mend first */
  read(session: Session, table: ForeignTable): Promise<ForeignHistory>;
}

export interface ForeignTable {
  readonly schema: string;
  readonly table: string;
}

/** What a tool says is applied. */
export interface ForeignHistory {
  readonly rows: readonly ForeignRow[];
  /** Every file up to this version is applied as well. */
  readonly upTo?: Version;
  /** There must be a file of the version `upTo`: the tool keeps no other. */
  readonly fileNeeded?: boolean;
}

export interface ForeignRow {
  /** As the tool calls it. */
  readonly name: string;
  /** The `id` that its file has, as a Migration. */
  readonly id: string;
  readonly kind: "versioned" | "repeatable";
  /** Whether these bytes of a file are what was applied; absent where the tool does not know. */
  readonly isOf?: ((bytes: Buffer) => boolean) | undefined;
}

export const shownTable = ({ schema, table }: ForeignTable): string => quote(`${schema}.${table}`);

/** @param columns what to select, in SQL; @param rest what follows the table */
export async function readRows<R extends Row>(
  session: Session,
  table: ForeignTable,
  columns: string,
  rest = "",
): Promise<R[]> {
  const sql = `select ${columns} from ${identifier(table.schema)}.${identifier(table.table)} ${rest}`;
  return await bookkeeping(`cannot read the table ${shownTable(table)}`, () => session.query<R>(sql));
}

/** The row of a file whose name begins with a version, which the tool keeps as it is written. */
export function versionedRow(
  table: ForeignTable,
  name: string,
  written: string | undefined,
  isOf?: ForeignRow["isOf"],
): ForeignRow {
  try {
    return { name, id: parseVersion(written ?? name), kind: "versioned", isOf };
  } catch {
    throw new Failure("history", `${shownTable(table)} holds ${quote(name)}, which has no version`, {
      hint: "the table is another tool's, or was written by hand: record what is applied with baseline instead of adopt",
    });
  }
}

/** The digits that a name begins with. */
export const leadingDigits = (name: string): string | undefined => /^[0-9]+/.exec(name)?.[0];
