import type { Readable } from "node:stream";
import { request } from "../net/http.ts";
import type { TlsSettings } from "../net/tls.ts";
import type { Pair } from "../kinds.ts";
import type { DownloadArguments } from "./options.ts";
import { statusFailure } from "./status.ts";

/** What tells whether a source still has the bytes that it had. */
export interface Validators {
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** The bytes of a source, on their way. */
export interface Opened extends Disposable {
  readonly body: Readable;
  /** Their number, where the source tells. */
  readonly length: number | undefined;
  readonly validators: Validators;
}

/** What is needed to ask a server. */
export interface Access {
  readonly args: Pick<DownloadArguments, "header" | "user" | "bearer" | "no-redirects" | "stall">;
  readonly tls: TlsSettings;
  /** Where the proxy variables stand. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The credentials, headers and client certificate are for this origin. */
  readonly origin: string;
  readonly signal: AbortSignal;
}

/**
 * Asks a server for a file.
 * @param known asks for it only if it is another one
 * @returns undefined where it is not
 * @throws Failure `source-unavailable` or `refused`
 */
export async function openHttp(
  url: URL,
  access: Access,
  known: Validators = {},
): Promise<Opened | undefined> {
  const { args, signal } = access;
  const isTrusted = url.origin === access.origin;
  const { ca, insecure } = access.tls;
  const silence = args.stall === Infinity ? undefined : args.stall;
  const response = await request(url, {
    headers: [...identity(args.header), ...(isTrusted ? credentials(args) : []), ...conditions(known)],
    tls: isTrusted ? access.tls : { ca, insecure },
    signal,
    maxRedirects: args["no-redirects"] ? 0 : 10,
    connectTimeout: args.stall,
    headersTimeout: silence,
    bodyTimeout: silence,
    code: "source-unavailable",
    certificateCode: "refused",
    proxyEnv: access.env,
  });
  const { status, headers, body } = response;
  if (status === 200 || status === 203) {
    const validators = { etag: text(headers["etag"]), lastModified: text(headers["last-modified"]) };
    return {
      body,
      length: lengthOf(headers["content-length"]),
      validators,
      [Symbol.dispose]: () => response.close(),
    };
  }
  response.close();
  if (status === 304 && (known.etag ?? known.lastModified) !== undefined) return undefined;
  throw statusFailure(response);
}

/** What is compressed on the way would have another length and digest. */
function identity(given: readonly Pair[]): Pair[] {
  const isGiven = given.some(({ name }) => name.toLowerCase() === "accept-encoding");
  return isGiven ? [] : [{ name: "accept-encoding", value: "identity" }];
}

function credentials({ header, user, bearer }: Access["args"]): Pair[] {
  const basic = user === undefined ? [] : [authorization(`Basic ${Buffer.from(user).toString("base64")}`)];
  return [...header, ...basic, ...(bearer === undefined ? [] : [authorization(`Bearer ${bearer}`)])];
}

const authorization = (value: string): Pair => ({ name: "authorization", value });

function conditions({ etag, lastModified }: Validators): Pair[] {
  if (etag !== undefined) return [{ name: "if-none-match", value: etag }];
  return lastModified === undefined ? [] : [{ name: "if-modified-since", value: lastModified }];
}

const text = (header: string | string[] | undefined): string | undefined =>
  typeof header === "string" && header !== "" ? header : undefined;

const lengthOf = (header: string | string[] | undefined): number | undefined =>
  typeof header === "string" && /^[0-9]{1,15}$/.test(header) ? Number(header) : undefined;
