import type { Mark, Marks } from "./marks.ts";

/** Bytes that are worth a system call of their own. */
const chunkSize = 64 * 1024;

/**
 * Renders a template in one pass, so that a value is never looked into. Memory is bounded by the longest mark and not
 * by the file; bytes around the marks stay as they are.
 * @param note called for each mark, with the number of its line
 */
export function render(
  template: Iterable<Buffer>,
  marks: Marks,
  note: (mark: Mark, line: number) => void,
): Generator<Buffer> {
  return joined(new Rendering(marks, note).pieces(template));
}

class Rendering {
  readonly #marks: Marks;
  readonly #note: (mark: Mark, line: number) => void;
  /** What has been read and not yet passed on, in latin1. */
  #text = "";
  #line = 1;

  constructor(marks: Marks, note: (mark: Mark, line: number) => void) {
    this.#marks = marks;
    this.#note = note;
  }

  *pieces(template: Iterable<Buffer>): Generator<string> {
    for (const chunk of template) {
      this.#text += chunk.toString("latin1");
      yield* this.#settle(this.#text.length - this.#marks.longest);
    }
    yield* this.#settle(this.#text.length);
  }

  /** Passes on what lies before `limit`; a mark that begins behind it may not be complete yet. */
  *#settle(limit: number): Generator<string> {
    let at = 0;
    for (const mark of this.#marks.in(this.#text)) {
      if (mark.start >= limit) break;
      yield this.#pass(at, mark.start);
      this.#note(mark, this.#line);
      yield mark.value;
      this.#pass(mark.start, mark.end);
      at = mark.end;
    }
    const end = Math.max(at, limit);
    yield this.#pass(at, end);
    this.#text = this.#text.slice(end);
  }

  #pass(start: number, end: number): string {
    const passed = this.#text.slice(start, end);
    for (let at = passed.indexOf("\n"); at >= 0; at = passed.indexOf("\n", at + 1)) this.#line++;
    return passed;
  }
}

function* joined(pieces: Iterable<string>): Generator<Buffer> {
  let waiting = "";
  for (const piece of pieces) {
    waiting += piece;
    if (waiting.length < chunkSize) continue;
    yield Buffer.from(waiting, "latin1");
    waiting = "";
  }
  yield Buffer.from(waiting, "latin1");
}
