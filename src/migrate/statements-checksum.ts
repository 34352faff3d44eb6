import { createHash } from "node:crypto";
import type { ScriptFile } from "./script-file.ts";
import type { Statement } from "./statements.ts";

/** The SHA-256 of the first statements of a file, as they stand in it, so that another value of a variable is no edit. */
export class StatementsChecksum {
  readonly #file: ScriptFile;
  readonly #statements: readonly Statement[];
  #hash = createHash("sha256");
  /** Of how many statements the hash is. */
  #hashed = 0;

  constructor(file: ScriptFile, statements: readonly Statement[]) {
    this.#file = file;
    this.#statements = statements;
  }

  /** Of the first so many statements, in hex. */
  of(count: number): string {
    if (count < this.#hashed) [this.#hash, this.#hashed] = [createHash("sha256"), 0];
    for (const statement of this.#statements.slice(this.#hashed, count))
      this.#hash.update(`${this.#written(statement)};`);
    this.#hashed = count;
    return this.#hash.copy().digest("hex");
  }

  #written({ start, end, data = { start, end } }: Statement): string {
    const { text, body } = this.#file;
    return text.slice(body.origin(start), body.origin(data.end)).replace(/\r\n?/g, "\n");
  }
}
