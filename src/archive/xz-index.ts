import { crc32 } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";
import { corrupt } from "./faults.ts";
import { readNumber } from "./xz-number.ts";
import { crc32Bytes } from "./xz-check.ts";

/** The sizes of one block in bytes. */
export interface BlockSizes {
  /** Header, data and check, without the padding. */
  readonly unpadded: number;
  readonly content: number;
}

/**
 * The index behind the blocks of a stream, which repeats the sizes of all (The .xz File Format, section 4). Of the
 * blocks only a checksum of the sizes is kept: there may be any number.
 */
export class XzIndex {
  #count = 0;
  #sum = 0;

  add(sizes: BlockSizes): void {
    this.#count++;
    this.#sum = addTo(this.#sum, sizes);
  }

  /**
   * Reads it from behind its first byte, which is zero; answers its size in bytes.
   * @throws Failure `integrity` where it does not fit the blocks
   */
  read(source: ByteSource): number {
    const reader = new CheckedReader(source);
    let count = readNumber(reader);
    if (count !== this.#count) throw corrupt("the index of the xz data does not fit its blocks");
    let sum = 0;
    for (; count > 0; count--)
      sum = addTo(sum, { unpadded: readNumber(reader), content: readNumber(reader) });
    if (sum !== this.#sum) throw corrupt("the index of the xz data does not fit its blocks");
    while (reader.size % 4 !== 0) {
      if (reader.byte() !== 0) throw corrupt("the index of the xz data is damaged");
    }
    if (!source.bytes(4).equals(crc32Bytes(reader.checksum)))
      throw corrupt("the index of the xz data is damaged");
    return reader.size + 4;
  }
}

const addTo = (sum: number, { unpadded, content }: BlockSizes): number =>
  crc32(`${unpadded} ${content};`, sum);

/** Counts the bytes of the index and sums them up. */
class CheckedReader {
  readonly #source: ByteSource;
  readonly #byte = Buffer.alloc(1);
  checksum = crc32(this.#byte);
  size = 1;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  byte(): number {
    this.#byte[0] = this.#source.byte();
    this.checksum = crc32(this.#byte, this.checksum);
    this.size++;
    return this.#byte[0]!;
  }
}
