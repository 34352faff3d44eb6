import { crc32 } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";
import { corrupt } from "./faults.ts";
import { Lzma2Decoder } from "./lzma2.ts";
import { readBlock } from "./xz-block.ts";
import { crc32Bytes } from "./xz-check.ts";
import { XzIndex } from "./xz-index.ts";

const magic = Buffer.from("fd377a585a00", "hex");
const footerMagic = "YZ";
const flagsSize = 2;

/** Handed on where there is no content for long, so that whoever receives it may stop. */
const nothing = Buffer.alloc(0);

/**
 * The content of an xz file (The .xz File Format 1.2.1): streams one after the other, with padding between and after
 * them. Every checksum is checked, and every size.
 * A chunk is valid until the next one is asked for.
 * @throws Failure `integrity` where it is damaged or cut off, or needs what initkit does not have
 */
export function* xzContent(source: ByteSource): Generator<Buffer> {
  const decoder = new Lzma2Decoder(source);
  do {
    yield* streamContent(source, decoder);
    yield* skipPadding(source);
  } while (!source.isAtEnd());
}

function* streamContent(source: ByteSource, decoder: Lzma2Decoder): Generator<Buffer> {
  const flags = readHeader(source);
  const index = new XzIndex();
  for (let size = source.byte(); size !== 0; size = source.byte()) {
    index.add(yield* readBlock(source, decoder, size, flags[1]!));
    yield nothing;
  }
  readFooter(source, flags, index.read(source));
}

/** Answers the stream flags: a zero, and the kind of check. */
function readHeader(source: ByteSource): Buffer {
  if (!source.bytes(magic.length).equals(magic)) throw corrupt("something else follows the compressed data");
  const flags = source.bytes(flagsSize);
  if (!source.bytes(4).equals(crc32Bytes(crc32(flags)))) throw corrupt("the head of the xz data is damaged");
  if (flags[0] !== 0 || flags[1]! > 15) throw corrupt("the head of the xz data is damaged");
  return flags;
}

function readFooter(source: ByteSource, flags: Buffer, indexSize: number): void {
  const checksum = source.bytes(4);
  const body = source.bytes(4 + flagsSize);
  const isRight =
    source.bytes(footerMagic.length).toString("latin1") === footerMagic &&
    checksum.equals(crc32Bytes(crc32(body))) &&
    body.readUInt32LE() === indexSize / 4 - 1 &&
    body.subarray(4).equals(flags);
  if (!isRight) throw corrupt("the end of the xz data is damaged");
}

/** Zeros, in groups of four. */
function* skipPadding(source: ByteSource): Generator<Buffer> {
  let size = 0;
  while (!source.isAtEnd()) {
    const skipped = source.skipZeros();
    if (skipped === 0) break;
    size += skipped;
    yield nothing;
  }
  if (size % 4 !== 0) throw corrupt("the padding of the xz data is damaged");
}
