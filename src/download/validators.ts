import type { HttpResponse } from "../net/http.ts";
import type { Pair } from "../kinds.ts";

/** What tells whether a source still has the bytes that it had. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

type Headers = HttpResponse["headers"];

/** A field of an answer that came once and is not empty. */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name];
  return typeof value === "string" && value !== "" ? value : undefined;
}

export const validatorsOf = (headers: Headers): Validators => ({
  etag: headerOf(headers, "etag"),
  lastModified: headerOf(headers, "last-modified"),
});

/** Asks for what is not known yet (RFC 9110, sections 13.1.2 and 13.1.3). */
export function conditions({ etag, lastModified }: Validators): Pair[] {
  if (etag !== undefined) return [{ name: "if-none-match", value: etag }];
  return lastModified === undefined ? [] : [{ name: "if-modified-since", value: lastModified }];
}

/** Within this time a file may have changed twice without another Last-Modified, clocks that differ included. */
const dateDoubtMs = 60_000;

/**
 * What of an answer may stand in `If-Range`: a strong ETag, or a date that is old enough where there is no ETag at all
 * (RFC 9110, sections 8.8.2.2 and 13.1.5).
 */
export function ifRangeOf(headers: Headers): string | undefined {
  const { etag, lastModified } = validatorsOf(headers);
  if (etag !== undefined) return /^"[^"]*"$/.test(etag) ? etag : undefined;
  const age = Date.parse(headerOf(headers, "date") ?? "") - Date.parse(lastModified ?? "");
  return age >= dateDoubtMs ? lastModified : undefined;
}

/** What a source had that `If-Range` has found to be the same still. */
export function validatorsIn(ifRange: string | undefined): Validators {
  if (ifRange === undefined) return {};
  return ifRange.startsWith('"') ? { etag: ifRange } : { lastModified: ifRange };
}
