import type { Readable } from "node:stream";
import { Failure, restate } from "../../failure.ts";
import { type HttpResponse, request, type RequestOptions } from "../../net/http.ts";
import { retryAfterOf } from "../../net/retry-after.ts";
import type { Access } from "../http-source.ts";
import { wordsOf } from "./hidden.ts";

/** An answer with its text. */
export interface Answer extends Pick<HttpResponse, "status" | "headers"> {
  readonly text: string;
}

/**
 * Asks a server for credentials. It is asked directly or not at all: a redirect would carry a token elsewhere.
 * @throws Failure `source-unavailable` or `refused` of the connection
 */
export async function ask(
  url: URL,
  options: Pick<RequestOptions, "method" | "headers" | "body" | "proxyEnv">,
  { args, tls, signal }: Access,
): Promise<Answer> {
  const silence = args.stall === Infinity ? undefined : args.stall;
  try {
    using response = await request(url, {
      ...options,
      tls: { ca: tls.ca, insecure: tls.insecure },
      signal,
      maxRedirects: 0,
      connectTimeout: args.stall,
      headersTimeout: silence,
      bodyTimeout: silence,
      code: "source-unavailable",
      certificateCode: "refused",
    });
    const { status, headers } = response;
    return { status, headers, text: await startOf(response.body) };
  } catch (error) {
    if (signal.aborted || !(error instanceof Failure)) throw error;
    throw restate(error, `no AWS credentials: ${error.message}`);
  }
}

/** No answer that is read here need be longer. */
const enough = 64 * 1024;

/** The text of a body, or the beginning of it. */
export async function startOf(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length >= enough) break;
  }
  return Buffer.concat(chunks).subarray(0, enough).toString();
}

/** What a server that gives no credentials says about it. */
export interface Refused {
  /** The server, by its role: what a variable says of its place may be hidden in messages. */
  readonly server: string;
  readonly code: string | undefined;
  readonly message: string | undefined;
  readonly isTransient: boolean;
  readonly hint: string;
}

const failing = "the server is failing or still starting: look at its log";

/** A server does not give credentials. */
export function noCredentials({ status, headers }: Answer, refused: Refused): Failure {
  const { server, code, message, isTransient, hint } = refused;
  const words = [code, message].filter((each) => each !== undefined).map(wordsOf);
  const because = words.length > 0 ? ` (${words.join(": ")})` : "";
  const isFailing = status >= 500 || status === 429 || status === 408;
  return new Failure(
    isTransient || isFailing ? "source-unavailable" : "refused",
    `no AWS credentials: ${server} answered ${status}${because}`,
    {
      kind: `credentials:${code ?? status}`,
      hint: isFailing ? failing : hint,
      retryAfter: retryAfterOf(headers["retry-after"]),
    },
  );
}
