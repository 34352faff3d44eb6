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
export const endOfData = (sql: string, { end }: Span): number => endOfMatch(dataEnd, sql, end);

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
    if (kind === "word") return this.#enterWord(sql, start, end);
    this.#previous = kind === "other" ? sql[start]! : "";
    if (this.#previous === "(") this.#parentheses++;
    if (this.#previous === ")") this.#parentheses = Math.max(0, this.#parentheses - 1);
  }

  #enterWord(sql: string, start: number, end: number): void {
    if (this.words.length === wordsKept && !this.#isRoutine) return void (this.#previous = "");
    const text = sql.slice(start, end).toUpperCase();
    if (this.words.length < wordsKept) this.words.push(text);
    if (this.#isRoutine) this.#enterBody(text);
    this.#previous = text;
  }

  #enterBody(word: string): void {
    if (this.#blocks === 0) {
      if (word === "ATOMIC" && this.#previous === "BEGIN") this.#blocks = 1;
      return;
    }
    const isLabel = this.#previous === "." || this.#previous === "AS";
    if (word === "CASE" && !isLabel) this.#blocks++;
    if (word === "END" && !isLabel) this.#blocks--;
  }

  get #isRoutine(): boolean {
    const [first, second, third, fourth] = this.words;
    if (first !== "CREATE") return false;
    return routines.has(second === "OR" && third === "REPLACE" ? fourth : second);
  }
}

const routines = new Set<string | undefined>(["FUNCTION", "PROCEDURE"]);

const word = /[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*/iy;
/** A number, a parameter; a cast or the sign of a named argument, within which no variable begins. */
const other = /\$?[0-9][a-z0-9_.\u0080-\uffff]*|::|:=/iy;
const variable = /:(?:[a-z0-9_\u0080-\uffff]+|(['"])[a-z0-9_\u0080-\uffff]+\1)/iy;
const command = /\\[^\r\n]*/y;
const patterns = { word, variable, command, other, ";": /;/y };

function kindAt(sql: string, at: number): Token["kind"] {
  const character = sql[at]!;
  if (character === ";") return ";";
  if (character === "\\") return "command";
  if (mayQuote.includes(character)) {
    if (isStringAt(sql, at)) return "string";
    if (isNameAt(sql, at)) return "name";
  }
  if (character === ":") return endOfMatch(variable, sql, at) === at ? "other" : "variable";
  return endOfMatch(word, sql, at) === at ? "other" : "word";
}

/** What a string or a quoted name begins with. */
const mayQuote = "'\"$bBeExXnNuU";

function endOf(sql: string, at: number, kind: Token["kind"], backslashes: boolean): number {
  if (kind === "string") return endOfString(sql, at, backslashes);
  if (kind === "name") return endOfName(sql, at);
  return Math.max(endOfMatch(patterns[kind], sql, at), at + 1);
}
