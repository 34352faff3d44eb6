import { isUtf8 } from "node:buffer";
import { hash } from "node:crypto";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";

/**
 * The text of an SQL file, without a BOM.
 * @throws Failure `configuration` as `refuseUnreadable` does
 */
export function decodeSql(name: string, bytes: Buffer): string {
  refuseUnreadable(name, bytes);
  return withoutBom(bytes).toString("utf8");
}

/** @throws Failure `configuration` for bytes that are not UTF-8, and for a NUL, which would end the text for PostgreSQL */
export function refuseUnreadable(name: string, bytes: Buffer): void {
  if (!isUtf8(bytes)) {
    throw new Failure("configuration", `${quote(name)} is not UTF-8`, {
      hint: "save it as UTF-8; other encodings, UTF-16 among them, are not read",
    });
  }
  if (!bytes.includes(0)) return;
  const text = withoutBom(bytes).toString("utf8");
  throw new Failure("configuration", `${placeOf(name, text, text.indexOf("\0"))}: a NUL byte`, {
    hint: "the file is not SQL in UTF-8; save it as that",
  });
}

const byteOrderMark = Buffer.from("\ufeff");

const withoutBom = (bytes: Buffer): Buffer =>
  bytes.subarray(0, byteOrderMark.length).equals(byteOrderMark)
    ? bytes.subarray(byteOrderMark.length)
    : bytes;

/** A digest that no line ending, no BOM and no empty line at the end changes. */
export function checksumOf(bytes: Buffer): string {
  const lines = withLineFeeds(withoutBom(bytes));
  let end = lines.length;
  while (lines[end - 1] === lineFeed) end--;
  return hash("sha256", lines.subarray(0, end));
}

const lineFeed = 0x0a;

/** In latin1, every byte stays what it is; no part of a longer character in UTF-8 looks like a line end. */
function withLineFeeds(bytes: Buffer): Buffer {
  if (!bytes.includes("\r")) return bytes;
  return Buffer.from(bytes.toString("latin1").replace(/\r\n?/g, "\n"), "latin1");
}

/** A place in a text, both counted from 1; the column in characters (code points). */
export interface Place {
  readonly line: number;
  readonly column: number;
  /** The text of the line. */
  readonly source: string;
}

/** @param at an index into the text */
export function locate(text: string, at: number): Place {
  const start = text.lastIndexOf("\n", at - 1) + 1;
  const end = text.indexOf("\n", at);
  return {
    line: countOf(text, "\n", start) + 1,
    column: charactersIn(text, start, at) + 1,
    source: text.slice(start, end < 0 ? text.length : end).replace(/\r$/, ""),
  };
}

function countOf(text: string, character: string, end: number): number {
  let count = 0;
  for (let at = text.indexOf(character); at >= 0 && at < end; at = text.indexOf(character, at + 1)) count++;
  return count;
}

function charactersIn(text: string, start: number, end: number): number {
  let count = 0;
  for (let at = start; at < end; count++) at = indexOfCharacter(text, 2, at);
  return count;
}

/** `0003_users.sql:12:5` */
export function placeOf(name: string, text: string, at: number): string {
  const { line, column } = locate(text, at);
  return `${name}:${line}:${column}`;
}

/** The index where the n-th line (from 1) of the text behind `from` begins. */
export function indexOfLine(text: string, n: number, from = 0): number {
  let at = from;
  for (let left = n - 1; left > 0; left--) {
    const end = text.indexOf("\n", at);
    if (end < 0) return at;
    at = end + 1;
  }
  return at;
}

/** The index of the n-th character (from 1, in code points, as PostgreSQL counts) of the text behind `from`. */
export function indexOfCharacter(text: string, n: number, from = 0): number {
  let at = from;
  for (let left = n - 1; left > 0 && at < text.length; left--) at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  return at;
}
