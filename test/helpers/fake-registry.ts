import { createHash } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Certificate } from "./certificates.ts";
import { startFileServer, type FileServer } from "./file-server.ts";

/** What a registry has under a name. */
export interface Stored {
  readonly type: string;
  readonly body: Buffer;
}

/** A registry on loopback that a test can make misbehave. */
export interface FakeRegistry extends FileServer {
  /** `127.0.0.1:12345` */
  readonly host: string;
  /** By tag and by digest, whatever the repository. */
  readonly manifests: Map<string, Stored>;
  /** By digest. */
  readonly blobs: Map<string, Buffer>;
  /** Answers instead of the registry where it returns true. */
  intercept: (asked: IncomingMessage, response: ServerResponse) => boolean;
  /** Stores a manifest under its digest, and under tags. */
  put(manifest: object | string, ...tags: string[]): Entry;
  /** Stores a blob. */
  blob(content: string | Buffer, more?: object): Entry;
  /** `oci://127.0.0.1:12345/team/app` and what follows. */
  url(rest?: string): URL;
}

/** A descriptor (OCI image-spec 1.1). */
export interface Entry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

export const digestOf = (content: string | Buffer, algorithm = "sha256"): string =>
  `${algorithm}:${createHash(algorithm).update(content).digest("hex")}`;

export const ociManifest = "application/vnd.oci.image.manifest.v1+json";
export const ociIndex = "application/vnd.oci.image.index.v1+json";

/** A manifest of these layers, as ORAS makes it. */
export const manifestOf = (...layers: object[]) => ({
  schemaVersion: 2,
  mediaType: ociManifest,
  artifactType: "application/vnd.example.model",
  config: { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 },
  layers,
});

export const indexOf = (...manifests: object[]) => ({ schemaVersion: 2, mediaType: ociIndex, manifests });

export async function startFakeRegistry(certificate?: Certificate): Promise<FakeRegistry> {
  const manifests = new Map<string, Stored>();
  const blobs = new Map<string, Buffer>();
  const server = await startFileServer((asked, response) => {
    if (!registry.intercept(asked, response)) answer(manifests, blobs)(asked, response);
  }, certificate);
  const host = new URL(server.origin).host;
  const registry: FakeRegistry = {
    ...server,
    host,
    manifests,
    blobs,
    intercept: () => false,
    put(manifest, ...tags) {
      const body = Buffer.from(typeof manifest === "string" ? manifest : JSON.stringify(manifest));
      const type = typeof manifest === "object" && "manifests" in manifest ? ociIndex : ociManifest;
      for (const name of [digestOf(body), ...tags]) manifests.set(name, { type, body });
      return { mediaType: type, digest: digestOf(body), size: body.length };
    },
    blob(content, more = {}) {
      const body = Buffer.from(content);
      blobs.set(digestOf(body), body);
      const mediaType = "application/vnd.oci.image.layer.v1.tar+gzip";
      return { mediaType, digest: digestOf(body), size: body.length, ...more };
    },
    url: (rest = "") => new URL(`oci://${host}/team/app${rest}`),
  };
  return registry;
}

function answer(manifests: Map<string, Stored>, blobs: Map<string, Buffer>): RequestListener {
  return ({ url, method, headers }, response) => {
    const [, kind, name = ""] = /^\/v2\/team\/app\/(manifests|blobs)\/(.+)$/.exec(url!) ?? [];
    const found = kind === "manifests" ? manifests.get(name) : blobs.get(name);
    if (!found) return refuse(response, 404, kind === "manifests" ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN");
    const { type, body } = Buffer.isBuffer(found) ? { type: "application/octet-stream", body: found } : found;
    if (kind === "manifests" && !headers.accept?.includes(type)) return refuse(response, 404, "NOT_ACCEPTED");
    response.writeHead(200, { "content-type": type, "content-length": body.length });
    response.end(method === "HEAD" ? undefined : body);
  };
}

/** As registries word what went wrong (OCI distribution-spec 1.1, "Error Codes"). */
export function refuse(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string | string[]> = {},
): void {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ errors: [{ code, message: "hunter2 is in the server's words" }] }));
}

/** Wants this Authorization, and says how to get it. */
export function challenge(
  challenges: string | string[],
  wanted: () => string | undefined,
): FakeRegistry["intercept"] {
  return ({ headers, url }, response) => {
    if (!url!.startsWith("/v2/") || (wanted() !== undefined && headers.authorization === wanted()))
      return false;
    refuse(response, 401, "UNAUTHORIZED", { "www-authenticate": challenges });
    return true;
  };
}
