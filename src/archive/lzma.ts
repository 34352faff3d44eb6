import { corrupt } from "./faults.ts";
import type { LzmaDictionary } from "./lzma-dictionary.ts";
import { evenOdds, RangeDecoder } from "./range-decoder.ts";

const states = 12;
const firstStateAfterMatch = 7;
const maxPositionStates = 16;
const shortestMatch = 2;

/** Where the probabilities of each kind of symbol begin; `length` and `repeatLength` are alike inside. */
const isMatch = 0;
const isRepeat = isMatch + states * maxPositionStates;
const isRepeatAfter0 = isRepeat + states;
const isRepeatAfter1 = isRepeatAfter0 + states;
const isRepeatAfter2 = isRepeatAfter1 + states;
const isLongRepeat0 = isRepeatAfter2 + states;
const distanceSlots = isLongRepeat0 + states * maxPositionStates;
const distanceLows = distanceSlots + 4 * 64;
const distanceAlign = distanceLows + 128;
const length = distanceAlign + 16;
const lengthLow = 2;
const lengthMiddle = lengthLow + maxPositionStates * 8;
const lengthHigh = lengthMiddle + maxPositionStates * 8;
const repeatLength = length + lengthHigh + 256;
const literals = repeatLength + lengthHigh + 256;
const probabilitiesPerLiteral = 0x300;
/** lc and lp may be 4 together, in LZMA2. */
const maxLiteralBits = 4;

/** Decodes the symbols of LZMA (LZMA specification of 7-Zip) into a dictionary. */
export class LzmaDecoder {
  readonly input = new RangeDecoder();
  readonly #dictionary: LzmaDictionary;
  readonly #probabilities = new Uint16Array(literals + (probabilitiesPerLiteral << maxLiteralBits));
  #literalContextBits = 0;
  #literalPositionMask = 0;
  #positionMask = 0;
  #state = 0;
  /** The distances of the last four matches, less one. */
  #first = 0;
  #second = 0;
  #third = 0;
  #fourth = 0;
  /** How much of a match has still to be put into the dictionary. */
  #pending = 0;

  constructor(dictionary: LzmaDictionary) {
    this.#dictionary = dictionary;
  }

  /** Whether no match reaches past what was asked for. */
  isBetweenSymbols(): boolean {
    return this.#pending === 0;
  }

  /** @param properties lc, lp and pb in one byte @throws Failure `integrity` where LZMA2 does not allow them */
  setProperties(properties: number): void {
    const contextBits = properties % 9;
    const positionBits = Math.floor(properties / 9) % 5;
    const stateBits = Math.floor(properties / 45);
    if (stateBits > 4 || contextBits + positionBits > maxLiteralBits) throw corrupt("the xz data is damaged");
    this.#literalContextBits = contextBits;
    this.#literalPositionMask = (1 << positionBits) - 1;
    this.#positionMask = (1 << stateBits) - 1;
  }

  reset(): void {
    this.#state = 0;
    this.#first = this.#second = this.#third = this.#fourth = 0;
    this.#pending = 0;
    this.#probabilities.fill(evenOdds);
  }

  /** Puts so many bytes into the dictionary, which has room for them. @throws Failure `integrity` */
  decode(size: number): void {
    const end = this.#dictionary.position + size;
    this.#repeat(end);
    while (this.#dictionary.position < end) {
      this.#symbol(this.#dictionary.position & this.#positionMask);
      if (this.#pending > 0) this.#repeat(end);
    }
  }

  #repeat(end: number): void {
    const count = Math.min(this.#pending, end - this.#dictionary.position);
    if (count === 0) return;
    this.#dictionary.repeat(this.#first, count);
    this.#pending -= count;
  }

  #symbol(positionState: number): void {
    const state = this.#state;
    if (this.#bit(isMatch + state * maxPositionStates + positionState) === 0) this.#literal();
    else if (this.#bit(isRepeat + state) === 0) this.#match(positionState);
    else if (this.#isShortRepeat(positionState)) {
      this.#state = state < firstStateAfterMatch ? 9 : 11;
      this.#pending = 1;
    } else {
      this.#state = state < firstStateAfterMatch ? 8 : 11;
      this.#pending = this.#length(repeatLength, positionState);
    }
  }

  #literal(): void {
    const state = this.#state;
    const dictionary = this.#dictionary;
    const previous = dictionary.filled === 0 ? 0 : dictionary.at(0);
    const place = dictionary.position & this.#literalPositionMask;
    const context = (place << this.#literalContextBits) + (previous >> (8 - this.#literalContextBits));
    const offset = literals + probabilitiesPerLiteral * context;
    dictionary.put(
      state < firstStateAfterMatch
        ? this.input.tree(this.#probabilities, offset, 8)
        : this.#literalAfterMatch(offset, dictionary.at(this.#first)),
    );
    this.#state = state < 4 ? 0 : state < 10 ? state - 3 : state - 6;
  }

  /** The byte that would have continued the match is likely to be another one: it chooses the probabilities. */
  #literalAfterMatch(offset: number, matched: number): number {
    let node = 1;
    for (let expected = matched; node < 0x100;) {
      expected <<= 1;
      const expectedBit = expected & 0x100;
      const bit = this.#bit(offset + 0x100 + expectedBit + node);
      node = (node << 1) | bit;
      if (bit !== expectedBit >> 8) break;
    }
    while (node < 0x100) node = (node << 1) | this.#bit(offset + node);
    return node & 0xff;
  }

  #match(positionState: number): void {
    this.#state = this.#state < firstStateAfterMatch ? 7 : 10;
    this.#pending = this.#length(length, positionState);
    this.#toFront(this.#distance(this.#pending), 4);
  }

  /** Brings the distance that is used again to the front; answers whether it is for one byte only. */
  #isShortRepeat(positionState: number): boolean {
    const state = this.#state;
    if (this.#bit(isRepeatAfter0 + state) === 0)
      return this.#bit(isLongRepeat0 + state * maxPositionStates + positionState) === 0;
    if (this.#bit(isRepeatAfter1 + state) === 0) this.#toFront(this.#second, 2);
    else if (this.#bit(isRepeatAfter2 + state) === 0) this.#toFront(this.#third, 3);
    else this.#toFront(this.#fourth, 4);
    return false;
  }

  /** Makes a distance the first one, where so many move up, or away. */
  #toFront(distance: number, count: number): void {
    if (count > 3) this.#fourth = this.#third;
    if (count > 2) this.#third = this.#second;
    this.#second = this.#first;
    this.#first = distance;
  }

  #length(offset: number, positionState: number): number {
    const { input } = this;
    const probabilities = this.#probabilities;
    if (this.#bit(offset) === 0)
      return shortestMatch + input.tree(probabilities, offset + lengthLow + positionState * 8, 3);
    if (this.#bit(offset + 1) === 0)
      return shortestMatch + 8 + input.tree(probabilities, offset + lengthMiddle + positionState * 8, 3);
    return shortestMatch + 16 + input.tree(probabilities, offset + lengthHigh, 8);
  }

  #distance(matchLength: number): number {
    const { input } = this;
    const probabilities = this.#probabilities;
    const kind = Math.min(matchLength - shortestMatch, 3);
    const slot = input.tree(probabilities, distanceSlots + kind * 64, 6);
    if (slot < 4) return slot;
    const lowBits = (slot >> 1) - 1;
    const high = (2 | (slot & 1)) << lowBits;
    if (slot < 14) return high + input.reverseTree(probabilities, distanceLows + high - slot, lowBits);
    const middle = input.direct(lowBits - 4) << 4;
    return (high + middle + input.reverseTree(probabilities, distanceAlign, 4)) | 0;
  }

  #bit(index: number): number {
    return this.input.bit(this.#probabilities, index);
  }
}
