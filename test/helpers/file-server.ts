import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { Certificate } from "./certificates.ts";

export interface FileServer extends AsyncDisposable {
  readonly origin: string;
  /** What was asked for, in order. */
  readonly seen: IncomingMessage[];
}

/** A server on loopback. */
export async function startFileServer(
  answer: RequestListener,
  certificate?: Certificate,
): Promise<FileServer> {
  const seen: IncomingMessage[] = [];
  const listener: RequestListener = (asked, response) => {
    seen.push(asked);
    answer(asked, response);
  };
  const server = certificate ? createTlsServer(certificate, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `${certificate ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers with files by their paths, with an ETag, as any web server does. */
export function files(contents: Record<string, string | Buffer>): RequestListener {
  return ({ url, headers }, response) => {
    const content = contents[new URL(url!, "http://x").pathname];
    if (content === undefined) return void response.writeHead(404).end("not found");
    const etag = `"${createHash("sha1").update(content).digest("hex")}"`;
    if (headers["if-none-match"] === etag) return void response.writeHead(304, { etag }).end();
    response.writeHead(200, { etag, "content-length": Buffer.byteLength(content) }).end(content);
  };
}
