import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { textIn } from "../../src/download/s3/xml.ts";
import { type ServerProcess, startServer } from "./server-process.ts";
import { ready } from "./wait.ts";

/** An S3 server, with one user who may do everything. */
export interface Swift extends ServerProcess {
  readonly origin: string;
  /** What the user's pods have in their environment, but for the endpoint. */
  readonly keys: Readonly<Record<string, string>>;
  /** Makes a bucket, or an object in it; the key as it is, not encoded. */
  put(bucket: string, key?: string, content?: string | Buffer, headers?: Headers): Promise<void>;
  /** Makes an object as large ones are made: by a multipart upload. */
  putParts(bucket: string, key: string, parts: readonly Buffer[]): Promise<void>;
  /** A URL for a GET that needs no other credentials. */
  presign(bucket: string, key: string, options?: { seconds?: number; at?: Date }): string;
}

type Headers = Readonly<Record<string, string>>;

const [id, secret, region] = ["test:ada", "s3cr3t/+key", "eu-west-1"];

const proxyConf = `
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache s3api tempauth slo proxy-server
[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
[filter:s3api]
use = egg:swift#s3api
location = ${region}
min_segment_size = 1
storage_domain = localhost
[filter:tempauth]
use = egg:swift#tempauth
user_test_ada = ${secret} .admin
# There is none: tempauth must have one for its own tokens, which S3 does not use.
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
${["catch_errors", "gatekeeper", "healthcheck", "slo"].map((name) => `[filter:${name}]\nuse = egg:swift#${name}`).join("\n")}
`;

/** Debian's python3-swift: OpenStack Swift with the middleware `s3api`, which checks signatures of version 4. */
export async function startSwift(): Promise<Swift> {
  const server = await startServer((port, folder) => {
    writeFileSync(join(folder, "proxy-server.conf"), proxyConf);
    const script = join(import.meta.dirname, "swift-server.py");
    return { command: ["/usr/bin/python3", "-W", "ignore", script, folder, String(port)] };
  });
  const origin = `http://127.0.0.1:${server.port}`;
  await ready(`${origin}/healthcheck`);
  const send = async (request: Omit<ToSign, "origin">, body: string | Buffer = "") => {
    const { method, headers = {} } = request;
    const response = await fetch(presigned({ origin, ...request }), { method, headers, body });
    const text = await response.text();
    assert.ok(response.ok, `${method} ${request.path}: ${response.status} ${text}`);
    return { text, etag: response.headers.get("etag") };
  };
  return {
    ...server,
    origin,
    keys: { AWS_ACCESS_KEY_ID: id!, AWS_SECRET_ACCESS_KEY: secret!, AWS_REGION: region! },
    async put(bucket, key, content, headers = {}) {
      const path = key === undefined ? `/${bucket}` : `/${bucket}/${key}`;
      await send({ method: "PUT", path, headers }, content);
    },
    async putParts(bucket, key, parts) {
      const path = `/${bucket}/${key}`;
      const started = await send({ method: "POST", path, query: { uploads: "" } });
      const uploadId = textIn(started.text, "UploadId")!;
      const listed = await Array.fromAsync(parts.entries(), async ([index, part]) => {
        const partNumber = String(index + 1);
        const { etag } = await send({ method: "PUT", path, query: { partNumber, uploadId } }, part);
        return `<Part><PartNumber>${partNumber}</PartNumber><ETag>${etag}</ETag></Part>`;
      });
      const list = `<CompleteMultipartUpload>${listed.join("")}</CompleteMultipartUpload>`;
      await send({ method: "POST", path, query: { uploadId } }, list);
    },
    presign: (bucket, key, options) =>
      presigned({ method: "GET", origin, path: `/${bucket}/${key}`, ...options }),
  };
}

interface ToSign {
  readonly method: string;
  readonly origin: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  /** In the order of their names, `host` before them. */
  readonly headers?: Headers;
  readonly seconds?: number;
  readonly at?: Date;
}

/** S3 API Reference, "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)". */
function presigned(request: ToSign): string {
  const { method, origin, path, query: given, headers = {}, seconds = 60, at = new Date() } = request;
  const time = at.toISOString().replace(/[-:]|\.[0-9]+/g, "");
  const scope = [time.slice(0, 8), region!, "s3", "aws4_request"];
  const toSign = Object.entries({ host: new URL(origin).host, ...headers });
  const names = toSign.map(([name]) => name).join(";");
  const query = Object.entries({
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-Credential": [id, ...scope].join("/"),
    "X-Amz-Date": time,
    "X-Amz-Expires": String(seconds),
    "X-Amz-SignedHeaders": names,
    ...given,
  })
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => `${name}=${encoded(value)}`)
    .join("&");
  const lines = toSign.map(([name, value]) => `${name}:${value}`);
  const encodedPath = path.split("/").map(encoded).join("/");
  const canonical = [method, encodedPath, query, ...lines, "", names, "UNSIGNED-PAYLOAD"].join("\n");
  const digest = createHash("sha256").update(canonical).digest("hex");
  const text = ["AWS4-HMAC-SHA256", time, scope.join("/"), digest].join("\n");
  const hmac = (key: string | Buffer, data: string) => createHmac("sha256", key).update(data).digest();
  const signature = hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`), text).toString("hex");
  return `${origin}${encodedPath}?${query}&X-Amz-Signature=${signature}`;
}

/** Every byte but unreserved characters (RFC 3986, section 2.3). */
const encoded = (text: string): string =>
  Array.from(Buffer.from(text), (byte) => {
    const character = String.fromCharCode(byte);
    return /[A-Za-z0-9._~-]/.test(character)
      ? character
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
