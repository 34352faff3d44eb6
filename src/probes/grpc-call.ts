import type { Socket } from "node:net";
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from "node:http2";
import { version } from "../version.ts";
import { broken, foreign, hungUp, silent } from "./grpc-failures.ts";

/** A unary call: one message each way. */
export interface Call {
  /** For messages: `gRPC api:50051 (10.0.0.3)`. */
  readonly name: string;
  readonly scheme: "http" | "https";
  readonly authority: string;
  /** `/package.Service/Method` */
  readonly path: string;
  /** Length-prefixed. */
  readonly message: Buffer;
  readonly signal: AbortSignal;
}

type ResponseHeaders = IncomingHttpHeaders & IncomingHttpStatusHeader;

export interface Answer {
  readonly headers: ResponseHeaders;
  /** Empty where the headers are all that there is (Trailers-Only), or the call was cut off. */
  readonly trailers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** The answers to such small questions are far shorter, in bytes. */
const maxBody = 64 * 1024;

/** A server that hangs up when we do has this long for it. */
const goodbyeMs = 100;

/**
 * Calls over a connection that it takes over and closes (gRPC over HTTP2; HTTP/2 with prior knowledge, RFC 9113,
 * section 3.3).
 * @throws Failure `not-ready` of kind `reset`, `timeout` or `protocol`; the reason of the signal
 */
export async function unaryCall(socket: Socket, call: Call): Promise<Answer> {
  const { connect } = await import("node:http2");
  const session = connect(`${call.scheme}://localhost`, { createConnection: () => socket });
  // What ends the session ends its stream too, and is told there.
  session.on("error", () => {});
  try {
    const answer = await exchange(session, socket, call);
    await sayGoodbye(session);
    return answer;
  } finally {
    session.destroy();
  }
}

/** Tells the server that we go (GOAWAY), and ends the connection; the session does both by itself. */
async function sayGoodbye(session: ClientHttp2Session): Promise<void> {
  if (session.destroyed) return;
  const closed = new Promise<void>((resolve) => session.once("close", resolve));
  const timer = setTimeout(() => session.destroy(), goodbyeMs);
  session.close();
  await closed;
  clearTimeout(timer);
}

async function exchange(session: ClientHttp2Session, socket: Socket, call: Call): Promise<Answer> {
  // Within TLS both sides have agreed on it.
  let speaksHttp2 = call.scheme === "https";
  session.once("remoteSettings", () => (speaksHttp2 = true));
  const ended = await endOf(send(session, call));
  const { name, signal } = call;
  if ("headers" in ended && ended.body.length > maxBody) throw foreign(name);
  if ("headers" in ended) return ended;

  const isForeign = (!speaksHttp2 && socket.bytesRead > 0) || ended.error?.code === "ERR_HTTP2_ERROR";
  if (signal.aborted) throw silent(name, signal, isForeign);
  if (isForeign) throw foreign(name);
  throw ended.error ? broken(name, ended.error) : hungUp(name);
}

function send(session: ClientHttp2Session, { authority, path, message, signal }: Call): ClientHttp2Stream {
  const headers = {
    ":method": "POST",
    ":authority": authority,
    ":path": path,
    te: "trailers",
    "content-type": "application/grpc",
    "user-agent": `initkit/${version}`,
  };
  return session.request(headers, { signal }).end(message);
}

type Ended = Answer | { readonly error: NodeJS.ErrnoException | undefined };

/** How a call ended: with an answer, with an error, or with neither where the other side hung up. */
function endOf(stream: ClientHttp2Stream): Promise<Ended> {
  let headers: ResponseHeaders | undefined;
  let trailers: IncomingHttpHeaders = {};
  let body: Buffer = Buffer.alloc(0);
  return new Promise((resolve) => {
    stream
      .on("response", (received) => {
        headers = received;
        if (!isGrpc(received)) stream.close();
      })
      .on("trailers", (received) => (trailers = received))
      .on("data", (chunk: Buffer) => {
        body = Buffer.concat([body, chunk]);
        if (body.length > maxBody) stream.close();
      })
      .on("error", (error) => resolve({ error }))
      .on("close", () => resolve(headers ? { headers, trailers, body } : { error: undefined }));
  });
}

/** Whether an answer is one of gRPC at all. */
export const isGrpc = (headers: ResponseHeaders): boolean =>
  headers[":status"] === 200 && /^application\/grpc(?:[+;]|$)/.test(headers["content-type"] ?? "");
