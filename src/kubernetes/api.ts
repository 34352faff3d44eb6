import { Failure } from "../failure.ts";
import { formatBytes } from "../format.ts";
import { type HttpResponse, request } from "../net/http.ts";
import { retryAfterOf } from "../net/retry-after.ts";
import { statusLine } from "../net/status.ts";
import type { Cluster } from "./cluster.ts";
import { said, textAt } from "../json-fields.ts";
import { type Advice, forbidden } from "./permission.ts";

interface Answer {
  /** 200 or 404. */
  readonly status: number;
  /** The JSON that came, or undefined where it was none. */
  readonly document: unknown;
}

interface Question {
  /** With its query. */
  readonly path: string;
  /** Media types; plain JSON by default. */
  readonly accept?: string;
  /** What to do about a 403. */
  readonly advice: Advice;
}

/** Objects are 1.5 MiB at most (etcd's limit), lists and discovery may be longer. */
const maxBody = 8 * 1024 * 1024;

/** The API server during one attempt. */
export class Api {
  readonly #cluster: Cluster;
  readonly #signal: AbortSignal;
  #token: string | undefined;

  constructor(cluster: Cluster, signal: AbortSignal) {
    this.#cluster = cluster;
    this.#signal = signal;
  }

  /**
   * @throws Failure `not-ready` for an answer that is neither 200, 403 nor 404, and for none; `refused` for a 403;
   * each of a kind that begins with `kubernetes:`, for an API server that is away shows no object gone
   */
  async get(question: Question): Promise<Answer> {
    this.#token ??= this.#cluster.readToken();
    try {
      return await this.#ask(question, this.#token);
    } catch (error) {
      throw error instanceof Failure ? ofTheApi(error) : error;
    }
  }

  /** No redirect is followed, so that the token goes nowhere else; nor is a proxy used. */
  async #ask({ path, accept = "application/json", advice }: Question, token: string): Promise<Answer> {
    const { origin, tls } = this.#cluster;
    const headers = [
      { name: "authorization", value: `Bearer ${token}` },
      { name: "accept", value: accept },
    ];
    const url = new URL(`${origin}${path}`);
    const options = { headers, tls, signal: this.#signal, maxRedirects: 0, code: "not-ready" } as const;
    using response = await request(url, options);
    const document = parsed(await readText(response));
    const { status } = response;
    if (status === 403) throw forbidden(textAt(document, "message"), advice);
    if (status !== 404 && (status !== 200 || document === undefined))
      throw unusable(path, response, document);
    return { status, document };
  }
}

async function readText({ body }: HttpResponse): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > maxBody) throw tooLong();
  }
  return Buffer.concat(chunks).toString("utf8");
}

const tooLong = (): Failure =>
  new Failure("not-ready", `the answer is longer than ${formatBytes(maxBody)}`, {
    kind: "too-long",
    hint: "wait for something smaller: a pod or a Deployment instead of a Service, a kind with its group",
  });

/** A path that is not served is answered in plain text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unusable(path: string, { status, headers }: HttpResponse, document: unknown): Failure {
  const message = textAt(document, "message");
  const says = status === 200 ? "an answer that is not JSON" : `status ${statusLine(status)}`;
  return new Failure("not-ready", `GET ${path}: ${says}${message && `: ${said(message)}`}`, {
    kind: String(status),
    hint: hintFor(status),
    retryAfter: retryAfterOf(headers["retry-after"]),
  });
}

function hintFor(status: number): string {
  if (status === 401) {
    return "the token of the service account is not accepted: it is read again for each attempt; if this lasts, check that the ServiceAccount still exists, and the audience of a projected token";
  }
  if (status === 429) return "the API server has too many requests; the pause that it wants is kept";
  if (status >= 500) return "the API server, or an aggregated one behind it, is starting or overloaded";
  return "check that nothing between the pod and the API server answers in its place";
}

/** Ends of the run or the step stay what they are. */
function ofTheApi(failure: Failure): Failure {
  const { code, message, kind, options } = failure;
  if (code !== "not-ready") return failure;
  const hint = kind === "tls:certificate" ? foreignCa : options.hint;
  return new Failure(code, `Kubernetes API: ${message}`, { ...options, kind: `kubernetes:${kind}`, hint });
}

const foreignCa =
  "the ca.crt of the service account has not signed it: check the ConfigMap kube-root-ca.crt, and whether a proxy answers for the API server";
