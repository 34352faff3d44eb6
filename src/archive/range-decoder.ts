import { corrupt } from "./faults.ts";

/** A probability of one half; they have 11 bits. */
export const evenOdds = 1 << 10;

const adaptation = 5;
const headSize = 5;

/**
 * The range decoder of LZMA (LZMA specification of 7-Zip, "The Encoding of Bits"). Probabilities adapt as bits are
 * decoded. Range and code are unsigned in the specification; here they stay in 32 signed bits, which V8 keeps out of
 * the heap.
 */
export class RangeDecoder {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #range = -1;
  #code = 0;

  /** @throws Failure `integrity` where the bytes are too few */
  start(bytes: Uint8Array): void {
    if (bytes.length < headSize || bytes[0] !== 0) throw corrupt("the xz data is damaged");
    this.#bytes = bytes;
    this.#range = -1;
    this.#code = (bytes[1]! << 24) | (bytes[2]! << 16) | (bytes[3]! << 8) | bytes[4]!;
    this.#at = headSize;
  }

  /** Whether exactly the bytes that were given have been used, and nothing is left in the code. */
  isFinished(): boolean {
    this.#normalize();
    return this.#at === this.#bytes.length && this.#code === 0;
  }

  bit(probabilities: Uint16Array, index: number): number {
    this.#normalize();
    const probability = probabilities[index]!;
    const bound = Math.imul(this.#range >>> 11, probability);
    if (this.#code >>> 0 < bound >>> 0) {
      this.#range = bound;
      probabilities[index] = probability + ((2048 - probability) >>> adaptation);
      return 0;
    }
    this.#range = (this.#range - bound) | 0;
    this.#code = (this.#code - bound) | 0;
    probabilities[index] = probability - (probability >>> adaptation);
    return 1;
  }

  /** So many bits by a tree of probabilities, the highest one first. */
  tree(probabilities: Uint16Array, offset: number, bits: number): number {
    let node = 1;
    for (let left = bits; left > 0; left--) node = (node << 1) | this.bit(probabilities, offset + node);
    return node - (1 << bits);
  }

  /** So many bits by a tree of probabilities, the lowest one first. */
  reverseTree(probabilities: Uint16Array, offset: number, bits: number): number {
    let [node, value] = [1, 0];
    for (let at = 0; at < bits; at++) {
      const bit = this.bit(probabilities, offset + node);
      node = (node << 1) | bit;
      value |= bit << at;
    }
    return value;
  }

  /** So many bits that are as likely 0 as 1. */
  direct(bits: number): number {
    let value = 0;
    for (let left = bits; left > 0; left--) {
      this.#normalize();
      this.#range >>>= 1;
      const isOne = this.#code >>> 0 >= this.#range;
      if (isOne) this.#code = (this.#code - this.#range) | 0;
      value = (value << 1) | (isOne ? 1 : 0);
    }
    return value;
  }

  /** Bytes past the end count as zeros until `isFinished` finds out. */
  #normalize(): void {
    if (this.#range >>> 0 >= 1 << 24) return;
    this.#range <<= 8;
    this.#code = (this.#code << 8) | (this.#at < this.#bytes.length ? this.#bytes[this.#at]! : 0);
    this.#at++;
  }
}
