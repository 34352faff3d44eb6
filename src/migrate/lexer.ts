/** A piece of SQL, by its place in the text. Blanks and comments are left out. */
export interface Token {
  /** A `word` is a keyword or an unquoted name; an `other` is a number, a parameter or a character of an operator. */
  readonly kind: "word" | "name" | "string" | "other" | ";";
  readonly start: number;
  readonly end: number;
}

/** One statement, from its first token to its last, without the semicolon. */
export interface Statement {
  readonly start: number;
  readonly end: number;
  /** Its first words, in upper case. */
  readonly words: readonly string[];
}

/**
 * The tokens of PostgreSQL's SQL (PostgreSQL manual, 4.1), with standard_conforming_strings on. What is not ended (a
 * string, a comment) reaches to the end of the text.
 */
export function* tokens(sql: string): Generator<Token> {
  for (let at = skipBlanks(sql, 0); at < sql.length;) {
    const kind = kindAt(sql, at);
    const end = endOf(sql, at, kind);
    yield { kind, start: at, end };
    at = skipBlanks(sql, end);
  }
}

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
    if (first && last) yield { start: first.start, end: last.end, words: nesting.words };
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

/** Only these are blanks to PostgreSQL; a no-break space is part of a name. */
const blanks = /[ \t\n\r\f\v]*/y;

function skipBlanks(sql: string, from: number): number {
  for (let at = from; ;) {
    blanks.lastIndex = at;
    blanks.test(sql);
    at = blanks.lastIndex;
    if (sql.startsWith("--", at)) at = endOfLine(sql, at);
    else if (sql.startsWith("/*", at)) at = endOfComment(sql, at);
    else return at;
  }
}

const lineEnd = /[\n\r]/g;

function endOfLine(sql: string, from: number): number {
  lineEnd.lastIndex = from;
  return lineEnd.exec(sql)?.index ?? sql.length;
}

const commentMark = /\/\*|\*\//g;

/** Comments nest. */
function endOfComment(sql: string, from: number): number {
  commentMark.lastIndex = from;
  let depth = 0;
  for (let mark = commentMark.exec(sql); mark; mark = commentMark.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return commentMark.lastIndex;
  }
  return sql.length;
}

const stringStart = /(?:[bexn]|u&)?'/iy;
const nameStart = /(?:u&)?"/iy;
const dollarStart = /\$(?:[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*)?\$/iy;
const word = /[a-z_\u0080-\uffff][a-z0-9_$\u0080-\uffff]*/iy;
const number = /\$?[0-9][a-z0-9_.\u0080-\uffff]*/iy;

function matchAt(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

function kindAt(sql: string, at: number): Token["kind"] {
  if (sql[at] === ";") return ";";
  if (matchAt(stringStart, sql, at) !== undefined || matchAt(dollarStart, sql, at) !== undefined)
    return "string";
  if (matchAt(nameStart, sql, at) !== undefined) return "name";
  return matchAt(word, sql, at) === undefined ? "other" : "word";
}

function endOf(sql: string, at: number, kind: Token["kind"]): number {
  if (kind === "string") return endOfString(sql, at);
  if (kind === "name") return endOfQuoted(sql, at + matchAt(nameStart, sql, at)!.length, '"');
  const text = matchAt(kind === "word" ? word : number, sql, at);
  return at + (text?.length ?? 1);
}

function endOfString(sql: string, at: number): number {
  const dollar = matchAt(dollarStart, sql, at);
  if (dollar !== undefined) {
    const close = sql.indexOf(dollar, at + dollar.length);
    return close < 0 ? sql.length : close + dollar.length;
  }
  const open = matchAt(stringStart, sql, at)!;
  const from = at + open.length;
  return /^e/i.test(open) ? endOfEscaped(sql, from) : endOfQuoted(sql, from, "'");
}

/** A doubled quote stands for one. */
function endOfQuoted(sql: string, from: number, quote: string): number {
  for (let at = sql.indexOf(quote, from); at >= 0; at = sql.indexOf(quote, at + 2)) {
    if (sql[at + 1] !== quote) return at + 1;
  }
  return sql.length;
}

const escapedMark = /\\|''|'/g;
/** A string goes on behind a line end, and its backslashes stay what they were. */
const continuation = /[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

function endOfEscaped(sql: string, from: number): number {
  escapedMark.lastIndex = from;
  for (let mark = escapedMark.exec(sql); mark; mark = escapedMark.exec(sql)) {
    if (mark[0] === "\\") escapedMark.lastIndex++;
    if (mark[0] !== "'") continue;
    const more = matchAt(continuation, sql, escapedMark.lastIndex);
    if (more === undefined) return escapedMark.lastIndex;
    escapedMark.lastIndex += more.length;
  }
  return sql.length;
}
