import type { Token } from "./lexer.ts";

/** SET and RESET take no more. */
const tokensKept = 6;
/** No longer word or value matters. */
const longestKept = 30;

/** Follows what a statement means for the text behind it: data of a COPY, or strings that are read in another way. */
export class Reading {
  /** Whether a backslash escapes in plain strings: standard_conforming_strings is off. */
  backslashes = false;
  #statement = new Head();

  enter(token: Token, sql: string): void {
    this.#statement.enter(token, sql);
  }

  /** @returns whether data follows, which the client has to send */
  end(): boolean {
    const { text, copiesFromClient } = this.#statement;
    this.#statement = new Head();
    if (turnsOff.test(text)) this.backslashes = true;
    else if (changesReading(text)) this.backslashes = false;
    return copiesFromClient;
  }
}

const turnsOff = /^SET (?:SESSION |LOCAL )?STANDARD_CONFORMING_STRINGS (?:=|TO) '?(?:OFF|FALSE|NO|0)'?$/;

/** Whether a statement, told by its first words, may change how the server reads strings. */
export function changesReading(words: string): boolean {
  return /^(?:SET (?:SESSION |LOCAL )?|RESET )(?:STANDARD_CONFORMING_STRINGS|BACKSLASH_QUOTE|ALL)\b/.test(
    words,
  );
}

/** The only statements that matter. */
const followed = /^(?:COPY|SET|RESET)$/i;

class Head {
  copiesFromClient = false;
  readonly #first: string[] = [];
  #isFollowed: boolean | undefined;
  #previous = "";
  #parentheses = 0;

  get text(): string {
    return this.#first.join(" ");
  }

  enter({ kind, start, end }: Token, sql: string): void {
    this.#isFollowed ??= kind === "word" && end - start <= 5 && followed.test(sql.slice(start, end));
    if (!this.#isFollowed) return;
    const text = sql.slice(start, Math.min(end, start + longestKept)).toUpperCase();
    if (this.#first.length < tokensKept) this.#first.push(text);
    if (this.#first[0] === "COPY") this.#follow(kind === "word" || kind === "other" ? text : "");
  }

  /** FROM STDOUT is the same to the server. */
  #follow(text: string): void {
    if (text === "(") this.#parentheses++;
    if (text === ")") this.#parentheses--;
    const fromClient = this.#previous === "FROM" && (text === "STDIN" || text === "STDOUT");
    if (fromClient && this.#parentheses === 0) this.copiesFromClient = true;
    this.#previous = text;
  }
}
