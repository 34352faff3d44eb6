import { isUtf8 } from "node:buffer";
import { quote } from "../format.ts";
import { corrupt, unsupported } from "./faults.ts";

export const blockSize = 512;

/** One header block, with names still in bytes: a later field may stand for them, and they may be cut in the middle. */
export interface TarHeader {
  readonly type: string;
  readonly name: Buffer;
  readonly linkName: Buffer;
  readonly size: number;
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number;
}

/**
 * A header block of tar: the ustar format of POSIX (pax, "ustar Interchange Format"), the older v7 form, and
 * what GNU tar adds to numbers ("Basic Tar Format", "Extensions" in its manual).
 * @throws Failure `integrity` where the block is none
 */
export function parseHeader(block: Buffer): TarHeader {
  if (!hasChecksum(block)) throw corrupt("where a header should be there is none (wrong checksum)");
  const size = number(block, 124, 12);
  if (size < 0 || !Number.isSafeInteger(size)) throw corrupt(`an entry has the size ${size}`);
  return {
    type: String.fromCharCode(block[156]!),
    name: fullName(block),
    linkName: bytes(block, 157, 100),
    size,
    mode: number(block, 100, 8) & 0o7777,
    mtime: number(block, 136, 12),
  };
}

/** Whether a block is a header, by its checksum. Some old writers added the bytes up as signed numbers. */
export function hasChecksum(block: Buffer): boolean {
  let [sum, signed] = [0, 0];
  for (let at = 0; at < blockSize; at++) {
    const byte = at >= 148 && at < 156 ? 0x20 : block[at]!;
    sum += byte;
    signed += (byte << 24) >> 24;
  }
  if (isZero(block)) return false;
  const wanted = /^[ \0]*([0-7]+)[ \0]/.exec(block.toString("latin1", 148, 156) + "\0")?.[1];
  return wanted !== undefined && [sum, signed].includes(Number.parseInt(wanted, 8));
}

const zeros = Buffer.alloc(blockSize);

export const isZero = (block: Buffer): boolean => block.equals(zeros);

function fullName(block: Buffer): Buffer {
  const name = bytes(block, 0, 100);
  const isUstar = block.toString("latin1", 257, 263) === "ustar\0";
  const prefix = isUstar ? bytes(block, 345, 155) : Buffer.alloc(0);
  return prefix.length > 0 ? Buffer.concat([prefix, Buffer.from("/"), name]) : name;
}

/** The bytes of a field up to its first NUL. */
function bytes(block: Buffer, offset: number, length: number): Buffer {
  const field = block.subarray(offset, offset + length);
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
}

/** A number in octal, or in GNU's base 256, which a first byte of 0x80 (0xff for a negative number) announces. */
function number(block: Buffer, offset: number, length: number): number {
  return plainOctal(block, offset, length) ?? oddNumber(block.subarray(offset, offset + length));
}

/** What nearly all headers hold: digits that fill the field but for one byte at its end. It makes nothing to collect. */
function plainOctal(block: Buffer, offset: number, length: number): number | undefined {
  let value = 0;
  for (let at = offset; at < offset + length - 1; at++) {
    const digit = block[at]! - 0x30;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return [0x20, 0].includes(block[offset + length - 1]!) ? value : undefined;
}

function oddNumber(field: Buffer): number {
  if (field[0] === 0x80 || field[0] === 0xff) return base256(field);
  const [, digits] = /^ *([0-7]*)[ \0]*(?:\0.*)?$/s.exec(field.toString("latin1")) ?? [];
  if (digits === undefined)
    throw corrupt(`a header holds ${quote(field.toString("latin1"))} where a number should be`);
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function base256(field: Buffer): number {
  const value = BigInt.asIntN(field.length * 8 - 8, BigInt(`0x${field.toString("hex", 1)}`));
  return Number(value);
}

/**
 * A name in an archive as text.
 * @throws Failure where it is not UTF-8: read as anything else, two names could become one
 */
export function nameText(name: Buffer): string {
  if (isUtf8(name)) return name.toString();
  throw unsupported(
    `the archive has a name that is not UTF-8, ${quote(name.toString("latin1"))}`,
    "repack it under a UTF-8 locale",
  );
}
