import { digit, endOfRun, isOf, numberPart, wordPart, wordStart } from "./characters.ts";
import { endOfMatch, endOfName, endOfString, isNameAt, isStringAt, skipBlanks } from "./quoted.ts";
import { Reading } from "./reading.ts";

/** A part of a text, from its first character to behind its last. */
export interface Span {
  readonly start: number;
  readonly end: number;
}

/** A piece of SQL. Blanks and comments are left out. */
export interface Token extends Span {
  /**
   * A `word` is a keyword or an unquoted name; an `other` is a number, a parameter or a character of an operator.
   * A `variable` (`:NAME`, `:'NAME'`, `:"NAME"`) and a `command` (from a backslash to the end of the line) are psql's.
   */
  readonly kind: "word" | "name" | "string" | "other" | "variable" | "command" | ";";
  /** The lines behind the semicolon of COPY … FROM STDIN, without the line `\.` that ends them. */
  readonly data?: Span | undefined;
}

/** The tokens of a text, as the Lexer finds them. */
export function* tokens(sql: string): Generator<Token> {
  const lexer = new Lexer(sql);
  while (lexer.next()) yield { kind: lexer.kind, start: lexer.start, end: lexer.end, data: lexer.data };
}

/**
 * Goes through the tokens of PostgreSQL's SQL (PostgreSQL manual, 4.1) with what psql adds to it, with
 * standard_conforming_strings on until the text itself sets it off. What is not ended (a string, a comment) reaches to
 * the end of the text. It is itself the token where it stands, for a long text has millions.
 */
export class Lexer implements Token {
  kind: Token["kind"] = ";";
  start = 0;
  end = 0;
  data: Span | undefined;
  readonly #sql: string;
  readonly #reading = new Reading();

  constructor(sql: string) {
    this.#sql = sql;
  }

  /** Goes on to the next token. @returns false where there is none */
  next(): boolean {
    const sql = this.#sql;
    this.start = skipBlanks(sql, this.data ? endOfData(sql, this.data) : this.end);
    this.data = undefined;
    if (this.start === sql.length) return this.#endWithoutSemicolon();
    this.kind = kindAt(sql, this.start);
    this.end = endOf(sql, this.start, this.kind, this.#reading.backslashes);
    if (this.kind !== ";") this.#reading.enter(this, sql);
    else if (this.#reading.end()) this.data = dataBehind(sql, this.end);
    return true;
  }

  /** The end of the text ends a COPY as well; its data are missing. */
  #endWithoutSemicolon(): boolean {
    this.kind = ";";
    this.end = this.start;
    const hasData = this.#reading.end();
    if (hasData) this.data = { start: this.start, end: this.start };
    return hasData;
  }
}

const dataEnd = /\\\.\r?(?:\n|$)/y;
const dataEndLine = /^\\\.\r?$/gm;

/** The data begin in the next line. */
function dataBehind(sql: string, from: number): Span {
  const newline = sql.indexOf("\n", from);
  const start = newline < 0 ? sql.length : newline + 1;
  dataEndLine.lastIndex = start;
  return { start, end: dataEndLine.exec(sql)?.index ?? sql.length };
}

/** Where the line that ends data ends itself; the end of the data where there is none. */
export const endOfData = (sql: string, { end }: Span): number => endOfMatch(dataEnd, sql, end);

function kindAt(sql: string, at: number): Token["kind"] {
  switch (sql[at]) {
    case ";":
      return ";";
    case "\\":
      return "command";
    case ":":
      return endOfMatch(variable, sql, at) > at ? "variable" : "other";
  }
  if (isStringAt(sql, at)) return "string";
  if (isNameAt(sql, at)) return "name";
  return isOf(wordStart, sql, at) ? "word" : "other";
}

const variable = /:(?:[a-z0-9_\u0080-\uffff]+|(['"])[a-z0-9_\u0080-\uffff]+\1)/iy;
const command = /\\[^\r\n]*/y;

function endOf(sql: string, at: number, kind: Token["kind"], backslashes: boolean): number {
  switch (kind) {
    case "word":
      return endOfRun(wordPart, sql, at);
    case "other":
      return endOfOther(sql, at);
    case "string":
      return endOfString(sql, at, backslashes);
    case "name":
      return endOfName(sql, at);
    case "variable":
      return endOfMatch(variable, sql, at);
    case "command":
      return endOfMatch(command, sql, at);
    case ";":
      return at + 1;
  }
}

/** Within a cast and the sign of a named argument, no variable begins. */
const longOperators = ["::", ":="];

function endOfOther(sql: string, at: number): number {
  const digits = sql[at] === "$" ? at + 1 : at;
  if (isOf(digit, sql, digits)) return endOfRun(numberPart, sql, digits);
  return sql[at] === ":" && longOperators.includes(sql.slice(at, at + 2)) ? at + 2 : at + 1;
}
