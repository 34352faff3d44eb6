import { Lexer, type Span, type Token } from "./lexer.ts";

/** One statement, from its first token to its last, without the semicolon. */
export interface Statement extends Span {
  /** Its first words, in upper case. */
  readonly words: readonly string[];
  /** What the client sends for COPY … FROM STDIN. */
  readonly data?: Span | undefined;
}

/** Splits a text at the semicolons that end statements. */
export function* statements(sql: string): Generator<Statement> {
  const lexer = new Lexer(sql);
  for (let statement = next(lexer, sql); statement; statement = next(lexer, sql)) yield statement;
}

function next(lexer: Lexer, sql: string): Statement | undefined {
  const nesting = new Nesting();
  let [start, end] = [-1, -1];
  while (lexer.next()) {
    nesting.enter(lexer, sql);
    if (lexer.kind !== ";" || nesting.isOpen) {
      if (start < 0) start = lexer.start;
      end = lexer.end;
    } else if (start >= 0) return { start, end, words: nesting.words, data: lexer.data };
  }
  return start < 0 ? undefined : { start, end, words: nesting.words };
}

/** As many as tell one kind of statement from another: CREATE OR REPLACE FUNCTION. */
const wordsKept = 4;

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
    const { words } = this;
    if (words[0] !== "CREATE") return false;
    return routines.has(words[1] === "OR" && words[2] === "REPLACE" ? words[3] : words[1]);
  }
}

const routines = new Set<string | undefined>(["FUNCTION", "PROCEDURE"]);
