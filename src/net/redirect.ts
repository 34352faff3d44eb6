import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import type { Pair } from "../kinds.ts";
import type { HttpResponse, RequestOptions } from "./http.ts";
import type { TlsSettings } from "./tls.ts";
import { bare, shown } from "./url.ts";

/** One request of a chain of redirects. */
export interface Hop {
  /** Without userinfo. */
  readonly url: URL;
  readonly method: string;
  readonly headers: readonly Pair[];
  readonly authorization: string | undefined;
  readonly body: string | Buffer | undefined;
  readonly tls: TlsSettings;
}

const followed = new Set([301, 302, 303, 307, 308]);

/**
 * Where a response sends the request to, if it does (RFC 9110, section 15.4). To another origin goes nothing that
 * the caller meant for the first one: no credentials, no client certificate, and no header but those that say which
 * version and which part is asked for.
 * @throws Failure for a redirect that is not to be followed
 */
export function nextHop(
  hop: Hop,
  { status, headers }: HttpResponse,
  options: RequestOptions,
): Hop | undefined {
  const location = headers["location"];
  if (!followed.has(status) || typeof location !== "string") return undefined;
  const url = target(location, hop, options);
  const next = { ...hop, ...(becomesGet(status, hop.method) ? withoutBody(hop) : {}), url };
  if (url.origin === hop.url.origin) return next;
  const { ca, insecure } = hop.tls;
  return {
    ...next,
    headers: hop.headers.filter(isConditional),
    authorization: undefined,
    tls: { ca, insecure },
  };
}

const isConditional = ({ name }: Pair): boolean =>
  /^(range|if-range|if-none-match|if-modified-since)$/i.test(name);

function target(location: string, { url }: Hop, { redirectCode = "refused" }: RequestOptions): URL {
  const to = URL.canParse(location, url.href) ? new URL(location, url) : undefined;
  const refuse = (why: string, hint: string) =>
    new Failure(redirectCode, `HTTP ${shown(url)}: redirected to ${why}`, { kind: "redirect", hint });
  if (!to) throw refuse(`${quote(location)}, which is no URL`, "check the configuration of the server");
  if (to.protocol !== "http:" && to.protocol !== "https:") {
    throw refuse(`a URL of scheme ${quote(to.protocol)}`, "name the final URL instead");
  }
  if (url.protocol === "https:" && to.protocol === "http:") {
    throw refuse(
      `${shown(to)}, away from TLS`,
      "check the public URL of the server, or name the final URL instead",
    );
  }
  return bare(to);
}

function becomesGet(status: number, method: string): boolean {
  if (status === 303) return method !== "GET" && method !== "HEAD";
  return (status === 301 || status === 302) && method === "POST";
}

function withoutBody({ headers }: Hop): Pick<Hop, "method" | "body" | "headers"> {
  return { method: "GET", body: undefined, headers: headers.filter(({ name }) => !/^content-/i.test(name)) };
}
