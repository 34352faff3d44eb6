import { percentDecoded } from "../../net/url.ts";

/** What an `s3://bucket/key` URL names. */
export interface S3Object {
  readonly bucket: string;
  /** Any text but the empty one; not percent-encoded. */
  readonly key: string;
  readonly versionId: string | undefined;
}

/**
 * Reads `s3://bucket/key[?versionId=ID]`. It is a URL, so the key is percent-decoded (RFC 3986, section 2.1), unlike
 * the arguments of the AWS CLI.
 * @throws Error that tells what is wrong with it
 */
export function parseS3(url: URL): S3Object {
  if (url.username || url.password) throw new Error("holds credentials; give them as AWS_* variables");
  checkBucket(url);
  return { bucket: url.hostname, key: keyOf(url), versionId: versionOf(url) };
}

/** Names of old buckets and of other servers may hold capitals and underscores; none may lead elsewhere in a URL. */
function checkBucket({ hostname, port }: URL): void {
  if (port === "" && /^[a-z0-9][a-z0-9._-]{0,254}$/i.test(hostname)) return;
  throw new Error("does not name a bucket; write s3://bucket/key");
}

function keyOf({ pathname, hash }: URL): string {
  if (hash !== "") throw new Error("holds a #; write %23 where it belongs to the key");
  const key = percentDecoded(pathname.slice(1));
  if (key === "" || key.endsWith("/")) throw new Error("does not name an object; write s3://bucket/key");
  // HTTP clients and proxies resolve such parts, so the request would be for another object.
  if (key.split("/").some((part) => part === "." || part === ".."))
    throw new Error("has a part . or .. in its key, which HTTP cannot ask for");
  return key;
}

function versionOf({ searchParams }: URL): string | undefined {
  const [[name, value] = [], ...more] = [...searchParams];
  if (name === undefined) return undefined;
  if (name === "versionId" && value !== "" && more.length === 0) return value;
  throw new Error("takes ?versionId=ID only; write %3F for a ? of the key");
}
