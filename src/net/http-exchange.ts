import type { Socket } from "node:net";
import type { buildConnector, Client } from "undici";
import { deadline } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { formatMs } from "../format.ts";
import { version } from "../version.ts";
import { dial, peerOf, type DialOptions } from "./dial.ts";
import { noAnswer } from "./errors.ts";
import type { HttpResponse, RequestOptions } from "./http.ts";
import { Receiver } from "./http-receiver.ts";
import type { Hop } from "./redirect.ts";

/** One request and its answer, on a new connection that ends with it. */
export async function exchange(hop: Hop, options: RequestOptions): Promise<HttpResponse> {
  const { default: UndiciClient } = await import("undici/lib/dispatcher/client.js");
  const socket = await open(hop, options);
  const { headersTimeout = 0, bodyTimeout = 0 } = options;
  const client: Client = new UndiciClient(hop.url.origin, {
    allowH2: false,
    pipelining: 0,
    headersTimeout,
    bodyTimeout,
    connect: (_, connected) => queueMicrotask(() => handOver(socket, connected)),
  });
  const receiver = new Receiver(hop, options, client, socket);
  client.dispatch(message(hop), receiver);
  return await receiver.response;
}

/** The client asks for another socket where this one closed before the request was sent; there is none. */
function handOver(socket: Socket, connected: buildConnector.Callback): void {
  if (socket.destroyed) connected(Object.assign(new Error("connection closed"), { code: "ECONNRESET" }), null);
  else connected(null, socket);
}

async function open({ url, tls }: Hop, options: RequestOptions): Promise<Socket> {
  const { signal, code, certificateCode, connectTimeout = Infinity, resolver = {} } = options;
  const secure = url.protocol === "https:";
  const address: DialOptions = {
    host: url.hostname,
    port: Number(url.port) || (secure ? 443 : 80),
    signal,
    code,
    resolver,
  };
  using bound = deadline(signal, connectTimeout, () => tooSlow(url, options));
  const socket = await dial({ ...address, signal: bound.signal });
  if (!secure) return socket;
  const { upgradeToTls } = await import("./tls-connect.ts");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const peer = peerOf(socket, address);
  const alpn = ["http/1.1"];
  return await upgradeToTls(socket, { host, peer, tls, alpn, code, certificateCode, signal: bound.signal });
}

const tooSlow = (url: URL, { code, connectTimeout = Infinity }: RequestOptions): Failure =>
  new Failure(code, `not connected to ${url.host} within ${formatMs(connectTimeout)}`, {
    kind: "connect:timeout",
    hint: noAnswer,
  });

function message({ url, method, headers, authorization, body }: Hop) {
  const given = new Set(headers.map(({ name }) => name.toLowerCase()));
  const own = {
    "user-agent": `initkit/${version}`,
    accept: "*/*",
    "accept-encoding": "identity",
    authorization,
  };
  const added = Object.entries(own).filter(([name, value]) => value !== undefined && !given.has(name));
  return {
    path: `${url.pathname}${url.search}`,
    method: method as "GET",
    headers: [...added.flat(), ...headers.flatMap(({ name, value }) => [name, value])] as string[],
    body: body ?? null,
  };
}
