import { corrupt } from "./faults.ts";

/** What has been decompressed last, as far back as a match may reach. */
export class LzmaDictionary {
  /** Pages of it that have not been written to take no memory. */
  readonly #bytes: Buffer;
  #position = 0;
  #filled = 0;
  #flushed = 0;

  /** @param size a multiple of 16, as every one that xz can name */
  constructor(size: number) {
    this.#bytes = Buffer.alloc(size);
  }

  /** Where the next byte goes, for what depends on its place in the content. */
  get position(): number {
    return this.#position;
  }

  get size(): number {
    return this.#bytes.length;
  }

  /** How many bytes have been put in since the last reset, up to its size. */
  get filled(): number {
    return this.#filled;
  }

  /** How many bytes may be put in before what is there must be flushed. */
  get room(): number {
    return this.#bytes.length - this.#position;
  }

  reset(): void {
    this.#position = 0;
    this.#filled = 0;
    this.#flushed = 0;
  }

  put(byte: number): void {
    this.#bytes[this.#position++] = byte;
    if (this.#filled < this.#position) this.#filled = this.#position;
  }

  putAll(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#position);
    this.#position += bytes.length;
    this.#filled = Math.max(this.#filled, this.#position);
  }

  /** The byte that many bytes before the last one. @throws Failure `integrity` where there is none */
  at(distance: number): number {
    if (distance >>> 0 >= this.#filled) throw corrupt("the xz data is damaged");
    const back = this.#position - distance - 1;
    return this.#bytes[back < 0 ? back + this.#bytes.length : back]!;
  }

  /** Puts in again what is so far back. @throws Failure `integrity` where there is nothing */
  repeat(distance: number, length: number): void {
    if (distance >>> 0 >= this.#filled) throw corrupt("the xz data is damaged");
    const bytes = this.#bytes;
    let to = this.#position;
    let from = to - distance - 1;
    if (from < 0) from += bytes.length;
    for (const end = to + length; to < end; to++) {
      bytes[to] = bytes[from]!;
      if (++from === bytes.length) from = 0;
    }
    this.#position = to;
    if (this.#filled < to) this.#filled = to;
  }

  /** What has been put in since the last time; valid until more is put in. */
  flush(): Buffer {
    const fresh = this.#bytes.subarray(this.#flushed, this.#position);
    if (this.room === 0) this.#position = 0;
    this.#flushed = this.#position;
    return fresh;
  }
}
