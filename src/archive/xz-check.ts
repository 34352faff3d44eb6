import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { unsupported } from "./faults.ts";

/** The check that stands behind each block of an xz file. */
export interface Check {
  update(bytes: Buffer): void;
  /** As it is stored. */
  value(): Buffer;
}

/** @param id of the .xz File Format, section 2.1.1.2 @throws Failure `integrity` where nobody has defined it */
export function newCheck(id: number): Check {
  const make = checks[id];
  if (make) return make();
  throw unsupported(
    `it has a check of the unknown kind ${id}`,
    "compress it with --check=crc64, as xz does by itself",
  );
}

const checks: Readonly<Record<number, () => Check>> = {
  0: () => ({ update() {}, value: () => Buffer.alloc(0) }),
  1: newCrc32,
  4: () => new Crc64(),
  10: newSha256,
};

function newCrc32(): Check {
  let crc = 0;
  return {
    update: (bytes) => void (crc = crc32(bytes, crc)),
    value: () => crc32Bytes(crc),
  };
}

function newSha256(): Check {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), value: () => hash.digest() };
}

/** A CRC-32 as xz stores it, the lowest byte first. */
export function crc32Bytes(crc: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(crc);
  return bytes;
}

const polynomial = 0xc96c5795d7870f42n;

/** CRC-64 of ECMA-182, reflected (The .xz File Format, section 6), in two halves of 32 bits. */
class Crc64 implements Check {
  static #tables: { low: Int32Array; high: Int32Array } | undefined;
  #low = -1;
  #high = -1;

  update(bytes: Buffer): void {
    const { low: lows, high: highs } = (Crc64.#tables ??= makeTables());
    let [low, high] = [this.#low, this.#high];
    for (let at = 0; at < bytes.length; at++) {
      const index = (low ^ bytes[at]!) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ lows[index]!;
      high = (high >>> 8) ^ highs[index]!;
    }
    this.#low = low;
    this.#high = high;
  }

  value(): Buffer {
    return Buffer.concat([crc32Bytes(~this.#low >>> 0), crc32Bytes(~this.#high >>> 0)]);
  }
}

function makeTables(): { low: Int32Array; high: Int32Array } {
  const [low, high] = [new Int32Array(256), new Int32Array(256)];
  for (let index = 0; index < 256; index++) {
    let crc = BigInt(index);
    for (let bit = 0; bit < 8; bit++) crc = crc & 1n ? (crc >> 1n) ^ polynomial : crc >> 1n;
    low[index] = Number(BigInt.asIntN(32, crc));
    high[index] = Number(BigInt.asIntN(32, crc >> 32n));
  }
  return { low, high };
}
