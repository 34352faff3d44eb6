import type { TransformedBlock } from "./bzip2-block.ts";

/** After so many equal bytes a byte follows that says how many more there are. */
const runStart = 4;

/** Undoes the Burrows-Wheeler transform of a block, and the run lengths that came before it. */
export class BlockOutput {
  readonly #table: Uint32Array;
  readonly #size: number;
  #entry: number;
  #taken = 0;
  #last = -1;
  #equal = 0;
  #repeats = 0;
  #crc = -1;

  /** @param table in its low bytes the block, in its other bits then for each place the one that follows */
  constructor(table: Uint32Array, { size, origin }: TransformedBlock) {
    link(table, size);
    this.#table = table;
    this.#size = size;
    this.#entry = table[origin]!;
  }

  /** Of what has been handed on, the CRC-32 with the highest bit first, as a signed number. */
  get checksum(): number {
    return ~this.#crc;
  }

  /** @param piece what all of them are written to, one after the other */
  *pieces(piece: Buffer): Generator<Buffer> {
    while (this.#repeats > 0 || this.#taken < this.#size) {
      const filled = piece.subarray(0, this.#fill(piece));
      this.#crc = bzip2Crc(filled, this.#crc);
      yield filled;
    }
  }

  #fill(piece: Buffer): number {
    let at = 0;
    while (at < piece.length) {
      if (this.#repeats > 0) {
        this.#repeats--;
        piece[at++] = this.#last;
      } else if (this.#taken === this.#size) break;
      else if (this.#equal === runStart) {
        this.#repeats = this.#next();
        this.#equal = 0;
      } else piece[at++] = this.#plainByte();
    }
    return at;
  }

  #plainByte(): number {
    const byte = this.#next();
    this.#equal = byte === this.#last ? this.#equal + 1 : 1;
    this.#last = byte;
    return byte;
  }

  #next(): number {
    this.#entry = this.#table[this.#entry >>> 8]!;
    this.#taken++;
    return this.#entry & 0xff;
  }
}

/** Writes over each byte the place of the byte that follows it in the original: the sorted order of all bytes tells it. */
function link(table: Uint32Array, size: number): void {
  const starts = new Uint32Array(256);
  for (let at = 0; at < size; at++) starts[table[at]! & 0xff]!++;
  let sum = 0;
  for (const [byte, count] of starts.entries()) {
    starts[byte] = sum;
    sum += count;
  }
  for (let at = 0; at < size; at++) {
    const place = starts[table[at]! & 0xff]!++;
    table[place] = table[place]! | (at << 8);
  }
}

const polynomial = 0x04c11db7;
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte << 24;
  for (let bit = 0; bit < 8; bit++) crc = crc < 0 ? (crc << 1) ^ polynomial : crc << 1;
  return crc;
});

/** The CRC-32 of zlib has its bits in the other order. */
function bzip2Crc(bytes: Buffer, start: number): number {
  let crc = start;
  for (let at = 0; at < bytes.length; at++) crc = (crc << 8) ^ crcTable[(crc >>> 24) ^ bytes[at]!]!;
  return crc;
}
