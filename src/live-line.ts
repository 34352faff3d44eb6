import { now } from "./deadline.ts";

/** Nobody reads faster, in milliseconds. */
const refreshMs = 100;
/** A longer line would wrap, and could not be taken away again. */
const width = 78;
const barWidth = 20;

/** The last line of a terminal, which shows what is going on and is replaced again and again. */
export class LiveLine {
  readonly #write: (text: string) => void;
  readonly #redact: (text: string) => string;
  #shownAt = -Infinity;
  #isShown = false;

  constructor(write: (text: string) => void, redact: (text: string) => string) {
    this.#write = write;
    this.#redact = redact;
  }

  /** @param share of the work that is done, from 0 to 1, drawn as a bar */
  show(text: string, share?: number): void {
    if (now() - this.#shownAt < refreshMs) return;
    this.#shownAt = now();
    this.#isShown = true;
    const words = this.#redact(text);
    const line = share === undefined ? words : `${bar(share)} ${words}`;
    this.#write(`\r${line.slice(0, width)}${eraseToEnd}`);
  }

  /** Makes room for a line that stays. */
  clear(): void {
    if (this.#isShown) this.#write(`\r${eraseToEnd}`);
    this.#isShown = false;
  }
}

/** EL of ECMA-48. */
const eraseToEnd = "\u001b[K";

function bar(share: number): string {
  const full = Math.round(share * barWidth);
  return `[${"#".repeat(full)}${"-".repeat(barWidth - full)}]`;
}
