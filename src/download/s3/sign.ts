import { createHash, createHmac } from "node:crypto";
import type { Pair } from "../../kinds.ts";
import type { Credentials } from "./credentials.ts";
import { componentEncoded } from "./uri-encode.ts";

/** A GET request without a body. */
export interface Unsigned {
  /** Its path encoded as `uriEncoded` does. */
  readonly url: URL;
  /** To be signed; others may be added later. */
  readonly headers: readonly Pair[];
}

/** For what a signature is good. */
export interface Scope {
  readonly region: string;
  readonly service: string;
  /** It is good for 15 minutes around this time. */
  readonly at: Date;
}

const algorithm = "AWS4-HMAC-SHA256";

/** The SHA-256 digest of no bytes. */
export const emptyHash: string = sha256("");

/**
 * The headers of a request with those that sign it (AWS IAM User Guide, "AWS Signature Version 4 for API requests").
 * The path is signed as it goes over the wire, which is S3's rule.
 */
export function signed(request: Unsigned, scope: Scope, credentials: Credentials): Pair[] {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const time = scope.at.toISOString().replace(/[-:]|\.[0-9]+/g, "");
  const headers = new Map(request.headers.map(({ name, value }) => [name.toLowerCase(), value]));
  headers.set("x-amz-date", time);
  if (sessionToken !== undefined) headers.set("x-amz-security-token", sessionToken);

  const toSign = new Map([...headers, ["host", request.url.host] as const].toSorted(byName));
  const names = [...toSign.keys()].join(";");
  const range = [time.slice(0, 8), scope.region, scope.service, "aws4_request"];
  const canonical = [
    "GET",
    request.url.pathname,
    queryOf(request.url),
    ...linesOf(toSign),
    "",
    names,
    emptyHash,
  ];
  const text = [algorithm, time, range.join("/"), sha256(canonical.join("\n"))].join("\n");
  const key = range.reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  const signature = Buffer.from(hmac(key, text)).toString("hex");
  const credential = `${accessKeyId}/${range.join("/")}`;
  headers.set(
    "authorization",
    `${algorithm} Credential=${credential}, SignedHeaders=${names}, Signature=${signature}`,
  );
  return Array.from(headers, ([name, value]) => ({ name, value }));
}

function queryOf({ searchParams }: URL): string {
  return Array.from(searchParams, (pair) => pair.map(componentEncoded) as [string, string])
    .toSorted((a, b) => byName(a, b) || compare(a[1], b[1]))
    .map((pair) => pair.join("="))
    .join("&");
}

const linesOf = (headers: ReadonlyMap<string, string>): string[] =>
  Array.from(headers, ([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}`);

const byName = ([a]: readonly [string, string], [b]: readonly [string, string]): number => compare(a, b);
const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
