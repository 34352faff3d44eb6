import { readSync } from "node:fs";
import { corrupt } from "./faults.ts";

const chunkSize = 128 * 1024;

/** The bytes of an open file, from its beginning to its end. */
export class ByteSource {
  readonly #descriptor: number;
  readonly #chunk = Buffer.allocUnsafe(chunkSize);
  #at = 0;
  #length = 0;
  #used = 0;

  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** How many bytes have been taken. */
  get used(): number {
    return this.#used + this.#at;
  }

  /** @throws what `readSync` throws */
  isAtEnd(): boolean {
    if (this.#at < this.#length) return false;
    this.#used += this.#length;
    this.#at = 0;
    this.#length = readSync(this.#descriptor, this.#chunk, 0, chunkSize, this.#used);
    return this.#length === 0;
  }

  /** @throws Failure `integrity` where the file has ended */
  byte(): number {
    if (this.#at === this.#length && this.isAtEnd()) throw cutOff();
    return this.#chunk[this.#at++]!;
  }

  /** Passes over zeros, as far as they have been read already; answers how many. */
  skipZeros(): number {
    const start = this.#at;
    while (this.#at < this.#length && this.#chunk[this.#at] === 0) this.#at++;
    return this.#at - start;
  }

  /** So many bytes, as a copy. @throws Failure `integrity` where the file ends before */
  bytes(count: number): Buffer {
    const result = Buffer.allocUnsafe(count);
    for (let filled = 0; filled < count;) {
      if (this.isAtEnd()) throw cutOff();
      const copied = this.#chunk.copy(result, filled, this.#at, this.#length);
      this.#at += copied;
      filled += copied;
    }
    return result;
  }
}

const cutOff = () => corrupt("the compressed data is cut off");
