import { createHash } from "node:crypto";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";

/** What an answer would say if all were well; a fault changes it. */
export interface Answer {
  status: number;
  headers: Record<string, string>;
  /** Of the content; what is sent as the body. */
  from: number;
  to: number;
}

/** A source whose every answer can be spoilt. */
export interface Source {
  content: Buffer;
  etag?: string | undefined;
  lastModified?: string | undefined;
  /** Answers with all of it whatever is asked for. */
  ignoresRange?: boolean;
  /** Answers with the part that is asked for, of whatever it has by now. */
  ignoresIfRange?: boolean;
  /** Does not tell how long the content is. */
  isChunked?: boolean;
  /** Changes an answer before it is sent. */
  spoil?(answer: Answer, asked: IncomingMessage): void;
  /** Up to where in the content the next answers go before they break off; the ones after these are whole. */
  cuts?: number[];
  /** Called when all has been sent up to a cut: the connection is not dropped before it resolves. */
  beforeCut?(at: number): Promise<void>;
  /** Milliseconds between pieces of the body, which are so long. */
  drip?: { readonly ms: number; readonly bytes: number };
}

/** Answers with a content as a good web server does, ranges and conditions included, but for the faults of the source. */
export function serve(source: Source): RequestListener {
  return (asked, response) => {
    const answer = answerTo(asked, source);
    source.spoil?.(answer, asked);
    void send(answer, response, source);
  };
}

/** A strong ETag. */
export const tagOf = (content: Buffer): string => `"${createHash("sha1").update(content).digest("hex")}"`;

function answerTo({ headers }: IncomingMessage, source: Source): Answer {
  const { content, etag, lastModified } = source;
  const about = { ...(etag && { etag }), ...(lastModified && { "last-modified": lastModified }) };
  if (etag && headers["if-none-match"] === etag) return { status: 304, headers: about, from: 0, to: 0 };
  const from = Number(/^bytes=([0-9]+)-$/.exec(headers.range ?? "")?.[1] ?? NaN);
  const isSame =
    source.ignoresIfRange || [undefined, etag, lastModified].includes(headers["if-range"] as string);
  if (source.ignoresRange || Number.isNaN(from) || !isSame)
    return { status: 200, headers: about, from: 0, to: content.length };
  if (from >= content.length)
    return { status: 416, headers: { "content-range": `bytes */${content.length}` }, from: 0, to: 0 };
  const range = `bytes ${from}-${content.length - 1}/${content.length}`;
  return { status: 206, headers: { ...about, "content-range": range }, from, to: content.length };
}

async function send(
  { status, headers, from, to }: Answer,
  response: ServerResponse,
  source: Source,
): Promise<void> {
  const { content, isChunked } = source;
  const body = content.subarray(from, to);
  const cut = status === 200 || status === 206 ? source.cuts?.shift() : undefined;
  response.writeHead(status, {
    ...(!isChunked && status !== 304 && { "content-length": body.length }),
    ...headers,
  });
  const sent = cut === undefined ? body : body.subarray(0, Math.max(0, cut - from));
  response.flushHeaders();
  await write(sent, response, source);
  if (cut === undefined) return void response.end();
  await source.beforeCut?.(cut);
  response.destroy();
}

async function write(bytes: Buffer, response: ServerResponse, { drip }: Source): Promise<void> {
  const step = drip?.bytes ?? bytes.length;
  for (let at = 0; at < bytes.length && !response.destroyed; at += step) {
    await new Promise((resolve) => response.write(bytes.subarray(at, at + step), resolve));
    if (drip) await pause(drip.ms);
  }
}
