import type { BitSource } from "./bzip2-bits.ts";
import { type HuffmanCode, readCode } from "./bzip2-huffman.ts";
import { corrupt, unsupported } from "./faults.ts";

/** So many symbols are coded by one code before the next one is chosen. */
const groupSize = 50;
/** What the format can count but bzip2 never makes; those beyond are read and left unused, as bzip2 does. */
const maxUsedSelectors = 18_002;
const [runA, runB] = [0, 1];

const damaged = () => corrupt("the bz2 data is damaged");

/** A block as the Burrows-Wheeler transform left it. */
export interface TransformedBlock {
  /** How many bytes it has. */
  readonly size: number;
  /** Where the original begins. */
  readonly origin: number;
}

/**
 * Reads the body of a block behind its checksum into the low bytes of `table`, which is as long as a block may be.
 * @throws Failure `integrity`
 */
export function readBlockBody(bits: BitSource, table: Uint32Array): TransformedBlock {
  if (bits.read(1) === 1) {
    throw unsupported(
      "it is compressed by a bzip2 from before 1998, with randomised blocks,",
      "compress it again with a bzip2 of today",
    );
  }
  const origin = bits.read(24);
  const recent = readUsedBytes(bits);
  const symbols = recent.length + 2;
  const codeCount = bits.read(3);
  if (codeCount < 2 || codeCount > 6) throw damaged();
  const selectors = readSelectors(bits, codeCount);
  const codes = Array.from({ length: codeCount }, () => readCode(bits, symbols));
  const size = readSymbols(symbolReader(bits, codes, selectors), recent, table);
  if (origin >= size) throw damaged();
  return { size, origin };
}

/** The bytes that there are in the block: a map of 16 bits says which of 16 further maps there are. */
function readUsedBytes(bits: BitSource): Uint8Array {
  const used: number[] = [];
  const rows = bits.read(16);
  for (let row = 0; row < 16; row++) {
    if (!isSet(rows, row)) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column++) if (isSet(columns, column)) used.push(row * 16 + column);
  }
  if (used.length === 0) throw damaged();
  return Uint8Array.from(used);
}

const isSet = (map: number, at: number): boolean => (map & (0x8000 >> at)) !== 0;

/** Which code each group of symbols has; they are stored as places in a list of the codes used last. */
function readSelectors(bits: BitSource, codeCount: number): Uint8Array {
  const count = bits.read(15);
  if (count === 0) throw damaged();
  const selectors = new Uint8Array(Math.min(count, maxUsedSelectors));
  const recent = Uint8Array.from({ length: codeCount }, (_, code) => code);
  for (let at = 0; at < count; at++) {
    let place = 0;
    while (bits.read(1) === 1) if (++place >= codeCount) throw damaged();
    selectors[at] = moveToFront(recent, place);
  }
  return selectors;
}

function moveToFront(recent: Uint8Array, place: number): number {
  const value = recent[place]!;
  for (let at = place; at > 0; at--) recent[at] = recent[at - 1]!;
  recent[0] = value;
  return value;
}

function symbolReader(bits: BitSource, codes: readonly HuffmanCode[], selectors: Uint8Array): () => number {
  let [group, left] = [0, 0];
  let code = codes[0]!;
  return () => {
    if (left === 0) {
      if (group === selectors.length) throw damaged();
      code = codes[selectors[group++]!]!;
      left = groupSize;
    }
    left--;
    return code.read(bits);
  };
}

/** Undoes the run lengths and the move to front; answers the size. */
function readSymbols(next: () => number, recent: Uint8Array, table: Uint32Array): number {
  const end = recent.length + 1;
  let size = 0;
  for (let symbol = next(); symbol !== end;) {
    if (symbol > runB) {
      if (size === table.length) throw damaged();
      table[size++] = moveToFront(recent, symbol - 1);
      symbol = next();
      continue;
    }
    let [run, weight] = [0, 1];
    for (; symbol <= runB; symbol = next()) {
      run += symbol === runA ? weight : 2 * weight;
      weight *= 2;
      if (run > table.length) throw damaged();
    }
    if (size + run > table.length) throw damaged();
    table.fill(recent[0]!, size, size + run);
    size += run;
  }
  return size;
}
