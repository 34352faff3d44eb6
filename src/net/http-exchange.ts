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
import { proxyFor } from "./proxy.ts";
import type { Hop } from "./redirect.ts";
import type { TlsSettings } from "./tls.ts";
import { openTunnel } from "./tunnel.ts";
import { basicAuthorization } from "./url.ts";

/** One request and its answer, on a new connection that ends with it. */
export async function exchange(hop: Hop, options: RequestOptions): Promise<HttpResponse> {
  const { default: UndiciClient } = await import("undici/lib/dispatcher/client.js");
  const proxy = options.proxyEnv && proxyFor(hop.url, options.proxyEnv);
  const socket = await open(hop, proxy, options);
  const { headersTimeout = 0, bodyTimeout = 0 } = options;
  const client: Client = new UndiciClient(hop.url.origin, {
    allowH2: false,
    pipelining: 0,
    headersTimeout,
    bodyTimeout,
    connect: (_, connected) => queueMicrotask(() => handOver(socket, connected)),
  });
  const receiver = new Receiver(hop, options, client, socket);
  client.dispatch(message(hop, proxy), receiver);
  return await receiver.response;
}

/** The client asks for another socket where this one closed before the request was sent; there is none. */
function handOver(socket: Socket, connected: buildConnector.Callback): void {
  if (socket.destroyed)
    connected(Object.assign(new Error("connection closed"), { code: "ECONNRESET" }), null);
  else connected(null, socket);
}

async function open({ url, tls }: Hop, proxy: URL | undefined, options: RequestOptions): Promise<Socket> {
  const { signal, connectTimeout = Infinity } = options;
  using bound = deadline(signal, connectTimeout, () => tooSlow(url, options));
  const within = { ...options, signal: bound.signal };
  if (!proxy) return await connectTo(url, tls, within);
  const socket = await connectTo(proxy, { ca: tls.ca, insecure: tls.insecure }, within);
  if (url.protocol === "http:") return socket;
  const target = `${url.hostname}:${url.port || 443}`;
  await openTunnel(socket, { proxy, target, signal: bound.signal, code: options.code });
  return await secured(socket, url, `${target} through ${proxy.host}`, tls, within);
}

async function connectTo(url: URL, tls: TlsSettings, options: RequestOptions): Promise<Socket> {
  const { signal, code, resolver = {} } = options;
  const secure = url.protocol === "https:";
  const port = Number(url.port) || (secure ? 443 : 80);
  const address: DialOptions = { host: url.hostname, port, signal, code, resolver };
  const socket = await dial(address);
  return secure ? await secured(socket, url, peerOf(socket, address), tls, options) : socket;
}

async function secured(
  socket: Socket,
  url: URL,
  peer: string,
  tls: TlsSettings,
  { signal, code, certificateCode }: RequestOptions,
): Promise<Socket> {
  const { upgradeToTls } = await import("./tls-connect.ts");
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  return await upgradeToTls(socket, { host, peer, tls, alpn: ["http/1.1"], code, certificateCode, signal });
}

const tooSlow = (url: URL, { code, connectTimeout = Infinity }: RequestOptions): Failure =>
  new Failure(code, `not connected to ${url.host} within ${formatMs(connectTimeout)}`, {
    kind: "connect:timeout",
    hint: noAnswer,
  });

function message({ url, method, headers, authorization, body }: Hop, proxy: URL | undefined) {
  const forwarded = proxy !== undefined && url.protocol === "http:";
  const given = new Set(headers.map(({ name }) => name.toLowerCase()));
  const own = {
    "user-agent": `initkit/${version}`,
    accept: "*/*",
    "accept-encoding": "identity",
    authorization,
    "proxy-authorization": forwarded ? basicAuthorization(proxy) : undefined,
  };
  const added = Object.entries(own).filter(([name, value]) => value !== undefined && !given.has(name));
  return {
    path: `${forwarded ? url.origin : ""}${url.pathname}${url.search}`,
    method: method as "GET",
    headers: [...added.flat(), ...headers.flatMap(({ name, value }) => [name, value])] as string[],
    body: body ?? null,
  };
}
