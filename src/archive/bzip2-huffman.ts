import type { BitSource } from "./bzip2-bits.ts";
import { corrupt } from "./faults.ts";

const maxLength = 20;

/** A canonical Huffman code, by the length of the code of each symbol. */
export class HuffmanCode {
  readonly #shortest: number;
  /** For each length the highest code that has it, or -1. */
  readonly #highest = new Int32Array(maxLength + 1).fill(-1);
  /** For each length what to add to a code to have its place among the symbols. */
  readonly #shift = new Int32Array(maxLength + 1);
  /** Ordered by the length of their codes. */
  readonly #symbols: Uint16Array;

  constructor(lengths: Uint8Array) {
    const order = Array.from(lengths, (length, symbol) => ({ length, symbol }));
    order.sort((a, b) => a.length - b.length);
    this.#symbols = Uint16Array.from(order, ({ symbol }) => symbol);
    this.#shortest = order[0]!.length;
    this.#assignCodes(lengths);
  }

  #assignCodes(lengths: Uint8Array): void {
    let [code, place] = [0, 0];
    for (let length = this.#shortest; length <= maxLength; length++) {
      const count = lengths.reduce((sum, each) => sum + (each === length ? 1 : 0), 0);
      this.#shift[length] = place - code;
      code += count;
      place += count;
      if (count > 0) this.#highest[length] = code - 1;
      code <<= 1;
    }
  }

  /** @throws Failure `integrity` where no symbol has that code */
  read(bits: BitSource): number {
    let length = this.#shortest;
    for (let code = bits.read(length); ; code = (code << 1) | bits.read(1)) {
      if (code <= this.#highest[length]!) return this.#symbols[code + this.#shift[length]!]!;
      if (++length > maxLength) throw corrupt("the bz2 data is damaged");
    }
  }
}

/** Reads the lengths of the codes of so many symbols, each as the difference from the one before. */
export function readCode(bits: BitSource, symbols: number): HuffmanCode {
  const lengths = new Uint8Array(symbols);
  let length = bits.read(5);
  for (let symbol = 0; symbol < symbols; symbol++) {
    for (;;) {
      if (length < 1 || length > maxLength) throw corrupt("the bz2 data is damaged");
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[symbol] = length;
  }
  return new HuffmanCode(lengths);
}
