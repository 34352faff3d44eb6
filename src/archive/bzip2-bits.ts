import type { ByteSource } from "./byte-source.ts";

/** The bits of a file, the highest one of each byte first. */
export class BitSource {
  readonly #source: ByteSource;
  #bits = 0;
  #count = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** A number of up to 24 bits. @throws Failure `integrity` where the file has ended */
  read(count: number): number {
    while (this.#count < count) {
      this.#bits = (this.#bits << 8) | this.#source.byte();
      this.#count += 8;
    }
    this.#count -= count;
    return (this.#bits >>> this.#count) & ((1 << count) - 1);
  }

  /** Passes over what is left of the byte that was begun. */
  alignToByte(): void {
    this.#count = 0;
  }
}
