import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Digests of a file as it is, and with each kind of line end: the tool may have seen it checked out in another way. */
export function digestsOf(algorithm: "md5" | "sha384", bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  const forms = ["\n", "\r\n", "\r"].map((end) => Buffer.from(text.replace(/\r\n?|\n/g, end), "latin1"));
  return [bytes, ...forms].map((form) => createHash(algorithm).update(form).digest("hex"));
}

/** Of the UTF-8 bytes of a text, as a number without a sign. */
export const crc32Of = (text: string): bigint => BigInt(crc32(text));
