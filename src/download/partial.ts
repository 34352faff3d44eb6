import type { HttpResponse } from "../net/http.ts";
import type { Pair } from "../kinds.ts";
import { headerOf } from "./validators.ts";

/** What is there of a source already, for a server to send the rest. */
export interface Beginning {
  readonly bytes: number;
  /** Of the whole, where it is known. */
  readonly length: number | undefined;
  /** What the server must still have, as `If-Range` says it; without it only a digest can tell in the end. */
  readonly ifRange: string | undefined;
}

/** Asks for the rest if the source is still the same, else for all of it (RFC 9110, sections 13.1.5 and 14.2). */
export function rangeHeaders(beginning: Beginning | undefined): Pair[] {
  if (!beginning) return [];
  const range = { name: "range", value: `bytes=${beginning.bytes}-` };
  return beginning.ifRange === undefined ? [range] : [range, { name: "if-range", value: beginning.ifRange }];
}

/**
 * Whether an answer carries on exactly where the beginning ends, and what the whole length is. An answer that says
 * anything else than was asked for is no use: the server has not understood, or has something else by now.
 */
export function restAfter(
  { bytes, length, ifRange }: Beginning,
  { status, headers }: Pick<HttpResponse, "status" | "headers">,
): { length: number } | undefined {
  const range = parseContentRange(headerOf(headers, "content-range"));
  if (!range || range.length !== (length ?? range.length)) return undefined;
  const carriesOn = status === 206 ? range.first === bytes : isAllThere(bytes, range);
  return carriesOn && isOfSame(ifRange, status, headers) ? { length: range.length } : undefined;
}

/** 416 tells that nothing is left to send (RFC 9110, section 15.5.17). */
const isAllThere = (bytes: number, { first, length }: ContentRange): boolean =>
  first === undefined && length === bytes;

/** A 206 must repeat the ETag (RFC 9110, section 15.3.7); one that ignores `If-Range` gives itself away by it. */
function isOfSame(ifRange: string | undefined, status: number, headers: HttpResponse["headers"]): boolean {
  if (ifRange === undefined) return true;
  const isTag = ifRange.startsWith('"');
  const found = headerOf(headers, isTag ? "etag" : "last-modified");
  return found === ifRange || (found === undefined && !(isTag && status === 206));
}

interface ContentRange {
  /** None in an answer of 416. */
  readonly first: number | undefined;
  readonly length: number;
}

/** RFC 9110, section 14.4; undefined where it does not tell the whole length. */
export function parseContentRange(value: string | undefined): ContentRange | undefined {
  const [, first, last, length] =
    /^bytes (?:([0-9]{1,15})-([0-9]{1,15})|\*)\/([0-9]{1,15})$/i.exec(value ?? "") ?? [];
  if (length === undefined) return undefined;
  if (first === undefined) return { first, length: Number(length) };
  const isValid = Number(first) <= Number(last) && Number(last) < Number(length);
  return isValid ? { first: Number(first), length: Number(length) } : undefined;
}
