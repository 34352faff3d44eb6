import { endOfName, endOfString, isNameAt, isStringAt, matchAt, skipBlanks } from "./quoted.ts";
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
  readonly data?: Span;
}

/** One statement, from its first token to its last, without the semicolon. */
export interface Statement extends Span {
  /** Its first words, in upper case. */
  readonly words: readonly string[];
  /** What the client sends for COPY … FROM STDIN. */
  readonly data?: Span | undefined;
}

/**
 * The tokens of PostgreSQL's SQL (PostgreSQL manual, 4.1) with what psql adds to it, with standard_conforming_strings
 * on until the text itself sets it off. What is not ended (a string, a comment) reaches to the end of the text.
 */
export function* tokens(sql: string): Generator<Token> {
  const reading = new Reading();
  for (let at = skipBlanks(sql, 0); at < sql.length;) {
    const kind = kindAt(sql, at);
    const token = { kind, start: at, end: endOf(sql, at, kind, reading.backslashes) };
    if (kind !== ";") reading.enter(token, sql);
    const data = kind === ";" && reading.end() ? dataBehind(sql, token.end) : undefined;
    yield data ? { ...token, data } : token;
    at = skipBlanks(sql, data ? endOfData(sql, data) : token.end);
  }
  const nothing = { start: sql.length, end: sql.length };
  if (reading.end()) yield { kind: ";", ...nothing, data: nothing };
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
export const endOfData = (sql: string, { end }: Span): number =>
  end + (matchAt(dataEnd, sql, end)?.length ?? 0);

/** Splits a text at the semicolons that end statements. */
export function* statements(sql: string): Generator<Statement> {
  let nesting = new Nesting();
  let first: Token | undefined;
  let last: Token | undefined;
  for (const token of tokens(sql)) {
    nesting.enter(token, sql);
    if (token.kind !== ";" || nesting.isOpen) {
      first ??= token;
      last = token;
      continue;
    }
    if (first && last) yield { start: first.start, end: last.end, words: nesting.words, data: token.data };
    nesting = new Nesting();
    first = last = undefined;
  }
  if (first && last) yield { start: first.start, end: last.end, words: nesting.words };
}

const wordsKept = 6;

/** How deep in parentheses, and in the body of an SQL function, a statement is. */
class Nesting {
  readonly words: string[] = [];
  #parentheses = 0;
  #blocks = 0;
  #previous = "";

  get isOpen(): boolean {
    return this.#parentheses > 0 || this.#blocks > 0;
  }

  enter({ kind, start, end }: Token, sql: string): void {
    if (kind !== "word" && kind !== "other") return void (this.#previous = "");
    const text = sql.slice(start, end).toUpperCase();
    if (kind === "word") this.#enterWord(text);
    if (text === "(") this.#parentheses++;
    if (text === ")") this.#parentheses = Math.max(0, this.#parentheses - 1);
    this.#previous = text;
  }

  #enterWord(word: string): void {
    if (this.words.length < wordsKept) this.words.push(word);
    if (this.#blocks === 0) {
      if (word === "ATOMIC" && this.#previous === "BEGIN" && this.#isRoutine()) this.#blocks = 1;
      return;
    }
    const isLabel = this.#previous === "." || this.#previous === "AS";
    if (word === "CASE" && !isLabel) this.#blocks++;
    if (word === "END" && !isLabel) this.#blocks--;
  }

  #isRoutine(): boolean {
    return /^CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\b/.test(this.words.join(" "));
  }
}

const word = /[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*/iy;
const number = /\$?[0-9][a-z0-9_.\u0080-\uffff]*/iy;
const variable = /:(?:[a-z0-9_\u0080-\uffff]+|(['"])[a-z0-9_\u0080-\uffff]+\1)/iy;
/** A cast, and an argument with its name: no variable begins within them. */
const colons = /::|:=/y;
const command = /\\[^\r\n]*/y;
const patterns = { word, variable, command, ";": /;/y };

function kindAt(sql: string, at: number): Token["kind"] {
  if (sql[at] === ";") return ";";
  if (sql[at] === "\\") return "command";
  if (isStringAt(sql, at)) return "string";
  if (isNameAt(sql, at)) return "name";
  if (matchAt(variable, sql, at) !== undefined) return "variable";
  return matchAt(word, sql, at) === undefined ? "other" : "word";
}

function endOf(sql: string, at: number, kind: Token["kind"], backslashes: boolean): number {
  if (kind === "string") return endOfString(sql, at, backslashes);
  if (kind === "name") return endOfName(sql, at);
  const text =
    kind === "other"
      ? (matchAt(number, sql, at) ?? matchAt(colons, sql, at))
      : matchAt(patterns[kind], sql, at);
  return at + (text?.length ?? 1);
}
