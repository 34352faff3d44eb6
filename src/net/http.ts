import type { Readable } from "node:stream";
import { Failure, type FailureCode } from "../failure.ts";
import { count } from "../format.ts";
import type { Pair } from "../kinds.ts";
import { exchange } from "./http-exchange.ts";
import { nextHop, type Hop } from "./redirect.ts";
import type { DialOptions } from "./dial.ts";
import type { TlsSettings } from "./tls.ts";
import { bare, basicAuthorization, shown } from "./url.ts";

export interface RequestOptions {
  /** `GET` by default. */
  readonly method?: string | undefined;
  /** Sent to the origin of the URL only, not to another one that it redirects to. */
  readonly headers?: readonly Pair[] | undefined;
  readonly body?: string | Buffer | undefined;
  readonly tls?: TlsSettings | undefined;
  /** Ends the request and the body of its response. */
  readonly signal: AbortSignal;
  /** How many redirects to follow, 10 by default; with 0 the redirect itself is the answer. */
  readonly maxRedirects?: number | undefined;
  /** Whether one redirect is to be followed; by default each is. One that is not is the answer. */
  readonly follows?: ((redirect: HttpResponse) => boolean) | undefined;
  /** Bounds, in milliseconds: on connecting (TLS included), on silence before the headers, on silence within the body. */
  readonly connectTimeout?: number | undefined;
  readonly headersTimeout?: number | undefined;
  readonly bodyTimeout?: number | undefined;
  readonly onRedirect?: ((from: URL, to: URL, status: number) => void) | undefined;
  /** The code of failures that another try can help. */
  readonly code: FailureCode;
  /** For a certificate that does not verify; `code` by default. */
  readonly certificateCode?: FailureCode | undefined;
  /** For a redirect that is not followed: a loop, too many, or one from https to http; `refused` by default. */
  readonly redirectCode?: FailureCode | undefined;
  /** Where the proxy variables stand (`https_proxy`, `no_proxy`, …); none are read without it. */
  readonly proxyEnv?: Readonly<Record<string, string | undefined>> | undefined;
  readonly resolver?: DialOptions["resolver"];
}

/** An answer, whatever its status. It holds its connection until the body has ended or `close` is called. */
export interface HttpResponse extends Disposable {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Where the answer comes from, after redirects; without userinfo. */
  readonly url: URL;
  /** Ends with an error (a Failure) where the connection breaks, the body is short, it stalls, or the signal aborts. */
  readonly body: Readable;
  /** Drops the connection. May be called at any time, more than once. */
  close(): void;
}

/**
 * One HTTP/1.1 request (RFC 9110, RFC 9112), each on a connection of its own. Userinfo in the URL becomes Basic
 * authorization, for its own origin only.
 * @throws Failure of kind `dns:…`, `connect:…`, `tls`, `tls:certificate`, `reset`, `headers-timeout`, `protocol`,
 * `redirect`; the reason of the signal
 */
export async function request(url: URL, options: RequestOptions): Promise<HttpResponse> {
  const { maxRedirects = 10, follows = () => true } = options;
  const seen = new Set<string>();
  let hop = firstHop(url, options);
  for (let redirects = 0; ; redirects++) {
    seen.add(hop.url.href);
    const response = await exchange(hop, options);
    const next = maxRedirects > 0 && follows(response) ? nextHop(hop, response, options) : undefined;
    if (!next) return response;
    response.close();
    if (redirects === maxRedirects) throw tooMany(url, hop, maxRedirects, options);
    if (seen.has(next.url.href) && next.method === hop.method) throw looping(url, next, options);
    options.onRedirect?.(hop.url, next.url, response.status);
    hop = next;
  }
}

function firstHop(url: URL, { method = "GET", headers = [], body, tls = {} }: RequestOptions): Hop {
  const given = headers.some(({ name }) => name.toLowerCase() === "authorization");
  return {
    url: bare(url),
    method,
    headers,
    body,
    tls,
    authorization: given ? undefined : basicAuthorization(url),
  };
}

function tooMany(url: URL, hop: Hop, limit: number, { redirectCode = "refused" }: RequestOptions): Failure {
  return new Failure(
    redirectCode,
    `HTTP ${shown(url)}: more than ${count(limit, "redirect")}, the last from ${shown(hop.url)}`,
    {
      kind: "redirect",
      hint: "the server sends the request round in a circle: check its public URL and TLS settings",
    },
  );
}

function looping(url: URL, next: Hop, { redirectCode = "refused" }: RequestOptions): Failure {
  return new Failure(redirectCode, `HTTP ${shown(url)}: redirected in a loop to ${shown(next.url)}`, {
    kind: "redirect",
    hint: "check the public URL of the server, and whether it expects a cookie, a header or TLS in front of it",
  });
}
