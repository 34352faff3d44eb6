import { crc32 } from "node:zlib";
import type { ByteSource } from "./byte-source.ts";
import { corrupt, unsupported } from "./faults.ts";
import type { Lzma2Decoder } from "./lzma2.ts";
import { crc32Bytes, newCheck } from "./xz-check.ts";
import type { BlockSizes } from "./xz-index.ts";
import { readNumber } from "./xz-number.ts";

const lzma2 = 0x21;

/** What the header of a block says. */
interface BlockHeader {
  readonly compressedSize: number | undefined;
  readonly contentSize: number | undefined;
  readonly dictionarySize: number;
}

/**
 * The content of a block (The .xz File Format, section 3), whose first byte has been read; returns its sizes.
 * @throws Failure `integrity`
 */
export function* readBlock(
  source: ByteSource,
  decoder: Lzma2Decoder,
  firstByte: number,
  checkId: number,
): Generator<Buffer, BlockSizes> {
  const start = source.used - 1;
  const header = parseHeader(readHeader(source, firstByte));
  const check = newCheck(checkId);
  const dataStart = source.used;
  let content = 0;
  for (const chunk of decoder.content(header.dictionarySize)) {
    check.update(chunk);
    content += chunk.length;
    yield chunk;
  }
  const dataSize = source.used - dataStart;
  if ((header.compressedSize ?? dataSize) !== dataSize || (header.contentSize ?? content) !== content)
    throw corrupt("a block of the xz data is not as long as it says");
  skipPadding(source, start);
  const checkStart = source.used;
  const expected = check.value();
  if (!source.bytes(expected.length).equals(expected)) throw corrupt("a checksum of the xz data is wrong");
  return { unpadded: dataStart - start + dataSize + source.used - checkStart, content };
}

/** The header between its size and its checksum. */
function readHeader(source: ByteSource, firstByte: number): Buffer {
  const body = source.bytes(firstByte * 4 - 1);
  const sum = crc32(body, crc32(Buffer.of(firstByte)));
  if (!source.bytes(4).equals(crc32Bytes(sum))) throw corrupt("the head of an xz block is damaged");
  return body;
}

function parseHeader(body: Buffer): BlockHeader {
  let at = 1;
  const fields = {
    byte() {
      if (at === body.length) throw corrupt("the head of an xz block is damaged");
      return body[at++]!;
    },
  };
  const flags = body[0]!;
  if (flags & 0b0011_1100) throw unknownFilter();
  const compressedSize = flags & 0b0100_0000 ? readNumber(fields) : undefined;
  const contentSize = flags & 0b1000_0000 ? readNumber(fields) : undefined;
  if (flags & 0b11 || readNumber(fields) !== lzma2) throw unknownFilter();
  if (readNumber(fields) !== 1) throw corrupt("the head of an xz block is damaged");
  const dictionarySize = sizeOf(fields.byte());
  if (body.subarray(at).some((byte) => byte !== 0)) throw unknownFilter();
  return { compressedSize, contentSize, dictionarySize };
}

const unknownFilter = () =>
  unsupported(
    "it is compressed by xz with a filter other than lzma2",
    "compress it without the options --x86, --arm, --delta and the like",
  );

/** The size of the dictionary by its code: 4 KiB, 6 KiB, 8 KiB, 12 KiB and so on. */
function sizeOf(code: number): number {
  if (code > 40) throw corrupt("the head of an xz block is damaged");
  return code === 40 ? 2 ** 32 - 1 : (2 | (code & 1)) * 2 ** ((code >> 1) + 11);
}

function skipPadding(source: ByteSource, start: number): void {
  while ((source.used - start) % 4 !== 0) {
    if (source.byte() !== 0) throw corrupt("the padding of the xz data is damaged");
  }
}
