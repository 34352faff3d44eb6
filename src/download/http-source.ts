import { Readable } from "node:stream";
import { Failure } from "../failure.ts";
import type { HttpResponse } from "../net/http.ts";
import type { TlsSettings } from "../net/tls.ts";
import type { Pair } from "../kinds.ts";
import type { Location } from "./location.ts";
import type { DownloadArguments } from "./options.ts";
import { type Beginning, rangeHeaders, restAfter } from "./partial.ts";
import { statusFailure } from "./status.ts";
import {
  conditions,
  headerOf,
  ifRangeOf,
  type Validators,
  validatorsIn,
  validatorsOf,
} from "./validators.ts";

/** The bytes of a source, on their way. */
export interface Opened extends Disposable {
  readonly body: Readable;
  /** Where in the whole the body begins. */
  readonly from: number;
  /** How many bytes the whole has, where the source tells. */
  readonly length: number | undefined;
  readonly validators: Validators;
  /** What a later request can say in `If-Range`, where the source gives something that is certain enough. */
  readonly ifRange: string | undefined;
  /** How the server has encoded the bytes although it was asked not to: they stay as they come. */
  readonly encoding?: string | undefined;
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

export interface Question {
  /** What is there of another time: asks for the source only if it is something else. */
  readonly known?: Validators | undefined;
  /** What is there of it already: asks for the rest only, if it is still the same. */
  readonly beginning?: Beginning | undefined;
}

/**
 * Asks a server for a file.
 * @returns undefined where it is what is known already
 * @throws Failure `source-unavailable` or `refused`
 */
export async function openHttp(
  location: Location,
  access: Access,
  { known = {}, beginning }: Question = {},
): Promise<Opened | undefined> {
  const response = await ask(location, access, [...conditions(known), ...rangeHeaders(beginning)]);
  const { status } = response;
  if (status === 200 || status === 203) return allOf(response);
  if (beginning && (status === 206 || status === 416)) {
    const rest = restAfter(beginning, response);
    if (rest) return restOf(response, beginning, rest.length);
    response.close();
    return await openHttp(location, access, { known });
  }
  using _ = response;
  if (status === 304 && (known.etag ?? known.lastModified) !== undefined) return undefined;
  const meaning = (await location.explain?.(response)) ?? statusFailure(response);
  if (meaning instanceof Failure) throw meaning;
  response.close();
  return await openHttp(meaning, access, { known, beginning });
}

async function ask(
  { url, headers, follows }: Location,
  access: Access,
  conditional: Pair[],
): Promise<HttpResponse> {
  const { request } = await import("../net/http.ts");
  const { args, signal } = access;
  const isTrusted = url.origin === access.origin;
  const given = headers ?? (isTrusted ? credentials(args) : []);
  const { ca, insecure } = access.tls;
  const silence = args.stall === Infinity ? undefined : args.stall;
  return await request(url, {
    headers: [...given, ...conditional],
    tls: isTrusted ? access.tls : { ca, insecure },
    signal,
    maxRedirects: args["no-redirects"] ? 0 : 10,
    follows,
    connectTimeout: args.stall,
    headersTimeout: silence,
    bodyTimeout: silence,
    code: "source-unavailable",
    certificateCode: "refused",
    proxyEnv: access.env,
  });
}

const allOf = (response: HttpResponse): Opened => ({
  body: response.body,
  from: 0,
  length: lengthOf(headerOf(response.headers, "content-length")),
  validators: validatorsOf(response.headers),
  ifRange: ifRangeOf(response.headers),
  encoding: encodingIn(response.headers),
  [Symbol.dispose]: () => response.close(),
});

function encodingIn(headers: HttpResponse["headers"]): string | undefined {
  const encoding = headerOf(headers, "content-encoding");
  return encoding?.toLowerCase() === "identity" ? undefined : encoding;
}

function restOf(response: HttpResponse, { bytes, ifRange }: Beginning, length: number): Opened {
  const [found, kept] = [validatorsOf(response.headers), validatorsIn(ifRange)];
  return {
    body: response.status === 416 ? Readable.from([]) : response.body,
    from: bytes,
    length,
    validators: { etag: found.etag ?? kept.etag, lastModified: found.lastModified ?? kept.lastModified },
    ifRange,
    encoding: encodingIn(response.headers),
    [Symbol.dispose]: () => response.close(),
  };
}

function credentials({ header, user, bearer }: Access["args"]): Pair[] {
  const basic = user === undefined ? [] : [authorization(`Basic ${Buffer.from(user).toString("base64")}`)];
  return [...header, ...basic, ...(bearer === undefined ? [] : [authorization(`Bearer ${bearer}`)])];
}

const authorization = (value: string): Pair => ({ name: "authorization", value });

const lengthOf = (header: string | undefined): number | undefined =>
  /^[0-9]{1,15}$/.test(header ?? "") ? Number(header) : undefined;
