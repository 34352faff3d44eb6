import { Failure } from "../failure.ts";
import { beginningOf, formatBytes, quote } from "../format.ts";
import type { Pair } from "../kinds.ts";
import { type HttpResponse, request } from "../net/http.ts";
import { retryAfterOf } from "../net/retry-after.ts";
import { statusLine } from "../net/status.ts";
import type { TlsSettings } from "../net/tls.ts";
import { shown } from "../net/url.ts";
import { boundedMatch } from "./bounded-match.ts";
import { type JsonDocument, type JsonExpectation, parseJson, type StatusSet, textAt } from "./expectation.ts";
import type { HttpTarget } from "./target.ts";

/** What to ask an HTTP server and which answer means that it is ready. */
export interface HttpExpectation {
  readonly status: StatusSet;
  readonly method: string | undefined;
  readonly headers: readonly Pair[];
  readonly body: string | undefined;
  readonly match: RegExp | undefined;
  readonly json: readonly JsonExpectation[];
  readonly followRedirects: boolean;
  readonly tls: TlsSettings;
  /** Where the proxy variables stand. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws Failure `not-ready` */
export async function probeHttp(
  target: HttpTarget,
  expected: HttpExpectation,
  signal: AbortSignal,
): Promise<void> {
  const { body, headers, tls, method = body === undefined ? "GET" : "POST" } = expected;
  const maxRedirects = expected.followRedirects && !expected.status.namesRedirect ? 10 : 0;
  const code = "not-ready";
  using response = await request(target.url, {
    method,
    headers,
    body,
    tls,
    signal,
    maxRedirects,
    code,
    redirectCode: code,
    proxyEnv: expected.env,
  });
  const doing = `HTTP ${method} ${shown(response.url)}`;
  checkStatus(response, expected.status, doing);
  if (expected.match || expected.json.length > 0) await checkBody(response, expected, doing);
}

function checkStatus({ status, headers }: HttpResponse, expected: StatusSet, doing: string): void {
  if (expected.has(status)) return;
  const location = headers["location"];
  const to = typeof location === "string" ? ` to ${quote(withoutQuery(location))}` : "";
  throw new Failure("not-ready", `${doing}: status ${statusLine(status)}${to}, not ${expected.text}`, {
    kind: `expectation:status-${status}`,
    hint: statusHint(status),
    retryAfter: retryAfterOf(headers["retry-after"]),
  });
}

const withoutQuery = (location: string): string =>
  location.replace(/[?#].*/s, "").replace(/\/\/[^/]*@/, "//");

function statusHint(status: number): string {
  if (status === 401 || status === 403) {
    return "the server wants credentials: give a header, or wait for another path; if an answer is enough, say so with status";
  }
  if (status === 404) return "check the path, and the host name that an ingress routes by";
  if (status === 502 || status === 503 || status === 504) {
    return "the proxy or the application says that it is not ready: look at the pods behind it";
  }
  if (status >= 500) return "look at the log of the server";
  return "if that status means ready, say so with status";
}

/** Enough for a health report; a stream without end must not fill the memory. */
const maxBody = 1024 * 1024;

async function checkBody(
  response: HttpResponse,
  { match, json }: HttpExpectation,
  doing: string,
): Promise<void> {
  const encoding = response.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    throw unexpected(
      "encoding",
      `${doing}: the body is encoded (${quote(String(encoding))}), though it should not be`,
    );
  }
  const { text, complete } = await readText(response);
  if (match) await checkMatch(text, match, doing);
  if (json.length === 0) return;
  if (!complete)
    throw unexpected("json", `${doing}: the body is longer than ${formatBytes(maxBody)}, too long for JSON`);
  checkJson(text, json, doing);
}

async function checkMatch(text: string, match: RegExp, doing: string): Promise<void> {
  const matches = await boundedMatch(match, text);
  if (matches === true) return;
  const says = matches === "endless" ? "takes too long to be compared with" : "does not match";
  throw unexpected("match", `${doing}: the body ${says} ${quote(match.source)}: ${excerpt(text)}`);
}

async function readText({ body }: HttpResponse): Promise<{ text: string; complete: boolean }> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBody) break;
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, maxBody));
  return { text, complete: length <= maxBody };
}

function checkJson(text: string, expected: readonly JsonExpectation[], doing: string): void {
  const document = parsed(text, doing);
  for (const { text: path, path: steps, value } of expected) {
    const found = textAt(document, steps);
    if (found === value) continue;
    const says = found === undefined ? "is not there" : `is ${excerpt(found)}`;
    throw unexpected("json", `${doing}: ${path} ${says}, not ${quote(value)}`);
  }
}

function parsed(text: string, doing: string): JsonDocument {
  try {
    return parseJson(text);
  } catch (error) {
    throw unexpected("json", `${doing}: the body is not JSON: ${excerpt(text)}`, error);
  }
}

const unexpected = (what: string, message: string, cause?: unknown): Failure =>
  new Failure("not-ready", message, {
    kind: `expectation:${what}`,
    hint: "look at what the server answers there, and at the expectation",
    cause,
  });

const excerpt = (text: string): string => quote(text.length > 100 ? `${beginningOf(text, 100)}…` : text);
