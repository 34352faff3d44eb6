import type { Token } from "./lexer.ts";

/** SET and RESET take no more. */
const tokensKept = 6;
/** No longer word or value matters. */
const longestKept = 30;

/** Follows what a statement means for the text behind it: data of a COPY, or strings that are read in another way. */
export class Reading {
  /** Whether a backslash escapes in plain strings: standard_conforming_strings is off. */
  backslashes = false;
  #isBegun = false;
  #head: Head | undefined;

  enter(token: Token, sql: string): void {
    if (!this.#isBegun) this.#begin(token, sql);
    this.#head?.enter(token, sql);
  }

  /** @returns whether data follows, which the client has to send */
  end(): boolean {
    const head = this.#head;
    this.#isBegun = false;
    this.#head = undefined;
    if (!head) return false;
    if (turnsOff.test(head.words.join(" "))) this.backslashes = true;
    else if (changesReading(head.words)) this.backslashes = false;
    return head.copiesFromClient;
  }

  #begin({ kind, start, end }: Token, sql: string): void {
    this.#isBegun = true;
    if (kind === "word" && end - start <= 5 && followed.test(sql.slice(start, end))) this.#head = new Head();
  }
}

/** The only statements that matter. */
const followed = /^(?:COPY|SET|RESET)$/i;

const turnsOff = /^SET (?:SESSION |LOCAL )?STANDARD_CONFORMING_STRINGS (?:=|TO) '?(?:OFF|FALSE|NO|0)'?$/;

/** Whether a statement, told by its first words, may change how the server reads strings. */
export function changesReading(words: readonly string[]): boolean {
  if (words[0] !== "SET" && words[0] !== "RESET") return false;
  return /^(?:SET (?:SESSION |LOCAL )?|RESET )(?:STANDARD_CONFORMING_STRINGS|BACKSLASH_QUOTE|ALL)\b/.test(
    words.join(" "),
  );
}

class Head {
  copiesFromClient = false;
  readonly words: string[] = [];
  #previous = "";
  #parentheses = 0;

  enter({ kind, start, end }: Token, sql: string): void {
    const text = sql.slice(start, Math.min(end, start + longestKept)).toUpperCase();
    if (this.words.length < tokensKept) this.words.push(text);
    if (this.words[0] === "COPY") this.#follow(kind === "word" || kind === "other" ? text : "");
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
