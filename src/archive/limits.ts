import type { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { tooMuch } from "./faults.ts";

/** Counts what comes out of archives, so that it ends at the limits. */
export class Limits {
  readonly #maxEntries: number;
  readonly #maxBytes: number;
  entries = 0;
  bytes = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#maxBytes = maxBytes;
  }

  /** @throws Failure `integrity` where it is one too many */
  countEntry(path: string): void {
    if (++this.entries > this.#maxEntries) throw exceeded(path, "max-entries", this.#maxEntries);
  }

  /** @throws Failure `integrity` where so many more bytes would be too many */
  checkBytes(path: string, more: number): void {
    if (this.bytes + more > this.#maxBytes) throw exceeded(path, "max-extracted", this.#maxBytes);
  }

  countBytes(path: string, bytes: number): void {
    this.checkBytes(path, bytes);
    this.bytes += bytes;
  }
}

const exceeded = (path: string, option: string, limit: number): Failure =>
  tooMuch(`the archive, at ${quote(path)},`, option, limit);
