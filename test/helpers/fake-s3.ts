import { createHash, createHmac } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";

export interface FakeS3 {
  /** By bucket and key; the keys as they are, not encoded. */
  readonly buckets: Readonly<Record<string, Readonly<Record<string, string | Buffer>>>>;
  /** By access key. */
  readonly keys?: Readonly<Record<string, { readonly secret: string; readonly token?: string }>>;
  /** Of all buckets. */
  readonly region?: string;
  /** How it answers where the region is another one: by 400 unless this is set. */
  readonly wrongRegion?: (given: string) => { status: number; code: string; headers: Record<string, string> };
  /** Buckets that everyone may read. */
  readonly open?: readonly string[];
  /** The name that buckets may stand before in Host. */
  readonly host?: string;
  /** The clock of the server. */
  readonly now?: () => number;
}

/**
 * Answers as S3 does (S3 API Reference, GetObject). It verifies signatures from the raw request with code of its own,
 * and like S3 repeats in its answer what a wrong signature was made of.
 */
export function fakeS3(s3: FakeS3): RequestListener {
  return (request, response) => {
    try {
      answer(s3, request, response);
    } catch (error) {
      if (!(error instanceof S3Error)) throw error;
      response
        .writeHead(error.status, { "content-type": "application/xml", ...error.headers })
        .end(error.xml);
    }
  };
}

class S3Error extends Error {
  readonly status: number;
  readonly xml: string;
  readonly headers: Record<string, string>;

  constructor(
    status: number,
    code: string,
    more: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) {
    super(code);
    const elements = Object.entries({
      Code: code,
      Message: `words of ${code}`,
      ...more,
      RequestId: "4442587FB7D0A2F9",
    });
    const body = elements
      .map(([name, text]) => `<${name}>${text.replaceAll("&", "&amp;")}</${name}>`)
      .join("");
    this.status = status;
    this.xml = `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${body}</Error>`;
    this.headers = headers;
  }
}

function answer(s3: FakeS3, request: IncomingMessage, response: ServerResponse): void {
  const { bucket, key } = addressed(s3, request);
  const objects = s3.buckets[bucket];
  if (!objects) throw new S3Error(404, "NoSuchBucket");
  if (request.headers.authorization !== undefined) verify(s3, request, request.headers.authorization);
  else if (!s3.open?.includes(bucket)) throw new S3Error(403, "AccessDenied");
  const content = objects[key];
  if (content === undefined) throw new S3Error(404, "NoSuchKey", { Key: key });
  send(Buffer.from(content), request, response);
}

function addressed({ host }: FakeS3, { url, headers }: IncomingMessage): { bucket: string; key: string } {
  const path = decodeURIComponent(url!.replace(/\?.*/, "")).slice(1);
  const suffix = `.${host ?? ""}`;
  if (host !== undefined && headers.host!.endsWith(suffix))
    return { bucket: headers.host!.slice(0, -suffix.length), key: path };
  const [bucket = "", ...parts] = path.split("/");
  return { bucket, key: parts.join("/") };
}

function send(content: Buffer, { headers }: IncomingMessage, response: ServerResponse): void {
  const etag = `"${createHash("md5").update(content).digest("hex")}"`;
  const about = { etag, "accept-ranges": "bytes", "last-modified": "Wed, 12 Oct 2009 17:50:00 GMT" };
  if (headers["if-none-match"] === etag) return void response.writeHead(304, about).end();
  const [, first] = /^bytes=([0-9]+)-$/.exec(headers.range ?? "") ?? [];
  const isSame = headers["if-range"] === undefined || headers["if-range"] === etag;
  if (first === undefined || !isSame)
    return void response.writeHead(200, { ...about, "content-length": content.length }).end(content);
  if (Number(first) >= content.length) throw new S3Error(416, "InvalidRange");
  const rest = content.subarray(Number(first));
  const range = `bytes ${first}-${content.length - 1}/${content.length}`;
  response.writeHead(206, { ...about, "content-length": rest.length, "content-range": range }).end(rest);
}

const form =
  /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(([0-9]{8})\/([^/]+)\/s3\/aws4_request), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/;

function verify(s3: FakeS3, request: IncomingMessage, authorization: string): void {
  const [, id, scope, day, region, names, signature] = form.exec(authorization) ?? [];
  if (id === undefined) throw new S3Error(400, "AuthorizationHeaderMalformed");
  const key = s3.keys?.[id];
  if (!key) throw new S3Error(403, "InvalidAccessKeyId", { AWSAccessKeyId: id });
  checkRegion(s3, region!);
  checkToken(key.token, request);
  const signedNames = names!.split(";");
  checkSigned(request, signedNames);
  const time = checkTime(s3, request, day!);

  const canonical = canonicalRequest(request, signedNames);
  const digest = createHash("sha256").update(canonical).digest("hex");
  const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${digest}`;
  let secret: string | Buffer = `AWS4${key.secret}`;
  for (const part of [...scope!.split("/"), toSign])
    secret = createHmac("sha256", secret).update(part).digest();
  if (Buffer.from(secret).toString("hex") !== signature)
    throw new S3Error(403, "SignatureDoesNotMatch", { StringToSign: toSign, CanonicalRequest: canonical });
}

function checkRegion({ region = "us-east-1", wrongRegion }: FakeS3, given: string): void {
  if (given === region) return;
  if (wrongRegion) {
    const { status, code, headers } = wrongRegion(given);
    throw new S3Error(status, code, {}, headers);
  }
  const headers = { "x-amz-bucket-region": region };
  throw new S3Error(400, "AuthorizationHeaderMalformed", { Region: region }, headers);
}

function checkToken(token: string | undefined, { headers }: IncomingMessage): void {
  if (headers["x-amz-security-token"] !== token)
    throw new S3Error(400, "InvalidToken", { "Token-0": String(headers["x-amz-security-token"]) });
}

function checkSigned({ headers }: IncomingMessage, signed: readonly string[]): void {
  const mustBe = ["host", ...Object.keys(headers).filter((name) => name.startsWith("x-amz-"))];
  if (mustBe.some((name) => !signed.includes(name))) throw new S3Error(403, "AccessDenied");
  if (signed.join() !== [...signed].sort().join()) throw new S3Error(403, "SignatureDoesNotMatch");
}

function checkTime({ now = Date.now }: FakeS3, { headers }: IncomingMessage, day: string): string {
  const time = String(headers["x-amz-date"]);
  const at = Date.parse(time.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!time.startsWith(day)) throw new S3Error(403, "SignatureDoesNotMatch");
  const ServerTime = new Date(now()).toISOString();
  if (!(Math.abs(at - now()) <= 15 * 60_000)) throw new S3Error(403, "RequestTimeTooSkewed", { ServerTime });
  return time;
}

function canonicalRequest({ method, url, headers }: IncomingMessage, names: readonly string[]): string {
  const [path = "", query = ""] = url!.split(/\?(.*)/s);
  const parameters = query === "" ? [] : query.split("&").map((each) => each.split(/=(.*)/s));
  return [
    method,
    path.split("/").map(reencoded).join("/"),
    parameters
      .map(([name = "", value = ""]) => `${reencoded(name)}=${reencoded(value)}`)
      .sort()
      .join("&"),
    ...names.map((name) => `${name}:${String(headers[name]).trim().replace(/\s+/g, " ")}`),
    "",
    names.join(";"),
    headers["x-amz-content-sha256"],
  ].join("\n");
}

/** UriEncode of the S3 API Reference, byte by byte. */
function reencoded(text: string): string {
  const bytes = Array.from(Buffer.from(decodeURIComponent(text)));
  return bytes
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[A-Za-z0-9._~-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}
