import type { ByteSource } from "./byte-source.ts";
import { BitSource } from "./bzip2-bits.ts";
import { readBlockBody } from "./bzip2-block.ts";
import { BlockOutput } from "./bzip2-output.ts";
import { corrupt } from "./faults.ts";

const blockMagic = 0x314159265359;
const endMagic = 0x177245385090;
const sizeUnit = 100_000;
/** So much is handed on at a time, that a limit may stop it soon. */
const pieceSize = 128 * 1024;

/** Handed on where there is no content for long, so that whoever receives it may stop. */
const nothing = Buffer.alloc(0);

/**
 * The content of a bz2 file (the format of bzip2 1.0): streams one after the other, as bzip2 and pbzip2 write them,
 * perhaps with zeros behind, which bzip2 passes over. Every checksum is checked.
 * A chunk is valid until the next one is asked for.
 * @throws Failure `integrity` where it is damaged, cut off, or followed by something else
 */
export function* bzip2Content(source: ByteSource): Generator<Buffer> {
  const decoder = new Bzip2Decoder(source);
  do {
    yield* decoder.streamContent();
    yield nothing;
  } while (!source.isAtEnd() && (yield* skipZeros(source)));
}

/** Answers whether something follows. */
function* skipZeros(source: ByteSource): Generator<Buffer, boolean> {
  while (source.skipZeros() > 0) {
    yield nothing;
    if (source.isAtEnd()) return false;
  }
  return true;
}

class Bzip2Decoder {
  readonly #source: ByteSource;
  readonly #bits: BitSource;
  readonly #piece = Buffer.alloc(pieceSize);
  #table = new Uint32Array(0);

  constructor(source: ByteSource) {
    this.#source = source;
    this.#bits = new BitSource(source);
  }

  *streamContent(): Generator<Buffer> {
    const blockSize = this.#readHeader();
    if (this.#table.length < blockSize) this.#table = new Uint32Array(blockSize);
    const table = this.#table.subarray(0, blockSize);
    let combined = 0;
    for (let magic = this.#readMagic(); magic !== endMagic; magic = this.#readMagic()) {
      if (magic !== blockMagic) throw corrupt("the bz2 data is damaged");
      const checksum = yield* this.#block(table);
      combined = ((combined << 1) | (combined >>> 31)) ^ checksum;
    }
    if (this.#readChecksum() !== combined) throw wrongChecksum();
    this.#bits.alignToByte();
  }

  /** Answers how long a block may be. */
  #readHeader(): number {
    const head = this.#source.bytes(4).toString("latin1");
    if (!/^BZh[1-9]$/.test(head)) throw corrupt("something else follows the compressed data");
    return Number(head[3]) * sizeUnit;
  }

  #readMagic(): number {
    return this.#bits.read(24) * 2 ** 24 + this.#bits.read(24);
  }

  #readChecksum(): number {
    return (this.#bits.read(16) << 16) | this.#bits.read(16);
  }

  /** Hands on the content of a block; returns its checksum. */
  *#block(table: Uint32Array): Generator<Buffer, number> {
    const expected = this.#readChecksum();
    const output = new BlockOutput(table, readBlockBody(this.#bits, table));
    yield* output.pieces(this.#piece);
    if (output.checksum !== expected) throw wrongChecksum();
    return expected;
  }
}

const wrongChecksum = () => corrupt("a checksum of the bz2 data is wrong");
