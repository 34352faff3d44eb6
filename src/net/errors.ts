import { Failure, type FailureCode } from "../failure.ts";

/** What a low-level network error means, in words for the reader of a pod's log. */
interface Meaning {
  readonly says: string;
  readonly hint?: string;
  /** Where it is the same whatever was being done. */
  readonly kind?: string;
}

const noListener =
  "nothing listens there: check the port, that the pod behind it runs and is ready (kubectl get endpointslices), and under a service mesh that its proxy is up before init containers";
const noRoute =
  "there is no route to that address: check the network of the cluster, and for an IPv6 address that the pod has IPv6";
export const noAnswer =
  "packets are dropped on the way or the host is down: check NetworkPolicies, firewalls and the address";
const cutOff =
  "the other side cut the connection: look at its log, and at a proxy, sidecar or load balancer in between";
const notTls = "check that the port is the TLS one, or write the URL without TLS";
const notHttp = "check the port: another protocol (or HTTP/2 only, or TLS) is spoken there";
const clientCertificate = "give a client certificate that the server accepts with cert and key";

const meanings: Record<string, Meaning> = {
  ECONNREFUSED: { says: "connection refused", hint: noListener },
  ETIMEDOUT: { says: "no answer", hint: noAnswer },
  EHOSTUNREACH: { says: "host unreachable", hint: noRoute },
  ENETUNREACH: { says: "network unreachable", hint: noRoute },
  EADDRNOTAVAIL: { says: "address family not available here", hint: noRoute },
  EAFNOSUPPORT: { says: "address family not available here", hint: noRoute },
  EACCES: { says: "permission denied", hint: "check the owner and mode of the socket against runAsUser" },
  EPERM: { says: "not permitted", hint: "check NetworkPolicies and the seccomp profile of the pod" },
  ENOENT: { says: "no such socket", hint: "check the path, and that both containers mount the volume there" },
  ENOTSOCK: { says: "it is not a socket", hint: "check the path" },
  ECONNRESET: { says: "connection reset", hint: cutOff, kind: "reset" },
  EPIPE: { says: "connection closed", hint: cutOff, kind: "reset" },
  ECONNABORTED: { says: "connection aborted", hint: cutOff, kind: "reset" },
  EMFILE: { says: "too many open files", hint: "raise the limit of open files" },

  EPROTO: { says: "TLS protocol error", hint: notTls, kind: "tls" },
  ERR_SSL_WRONG_VERSION_NUMBER: { says: "the server does not speak TLS", hint: notTls, kind: "tls" },
  ERR_SSL_PACKET_LENGTH_TOO_LONG: { says: "the server does not speak TLS", hint: notTls, kind: "tls" },
  ERR_SSL_HTTP_REQUEST: { says: "the server does not speak TLS", hint: notTls, kind: "tls" },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: {
    says: "the server asks for a client certificate",
    hint: clientCertificate,
    kind: "tls",
  },
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: {
    says: "the server does not know the CA of the client certificate",
    hint: clientCertificate,
    kind: "tls",
  },
  "ERR_SSL_SSL/TLS_ALERT_BAD_CERTIFICATE": {
    says: "the server refuses the client certificate",
    hint: clientCertificate,
    kind: "tls",
  },
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE": {
    says: "the server refuses the handshake",
    hint: "the server may want a client certificate (cert, key), another server-name, or an older TLS version",
    kind: "tls",
  },
  ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL: {
    says: "the server speaks none of the protocols that were offered (ALPN)",
    hint: "check the port, and that a proxy in between passes HTTP/2 on",
    kind: "protocol",
  },

  UND_ERR_SOCKET: { says: "the server closed the connection without an answer", hint: cutOff, kind: "reset" },
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: {
    says: "the server closed the connection in the middle of the body",
    hint: cutOff,
    kind: "reset",
  },
  UND_ERR_HEADERS_TIMEOUT: {
    says: "no answer to the request",
    hint: "the server accepts connections but is silent: look at its log and load",
    kind: "headers-timeout",
  },
  UND_ERR_BODY_TIMEOUT: {
    says: "the body stopped coming",
    hint: "the server or the network stalls: look at its log and load",
    kind: "body-timeout",
  },
  UND_ERR_HEADERS_OVERFLOW: { says: "the headers of the answer are too long", kind: "protocol" },
};

function meaningOf(error: unknown): { errno: string | undefined; meaning: Meaning | undefined } {
  const { code, name } = error as { code?: unknown; name?: unknown };
  if (name === "HTTPParserError") return { errno: "HTTPParserError", meaning: foreignAnswer };
  if (typeof code !== "string") return { errno: undefined, meaning: undefined };
  const meaning = meanings[code] ?? (code.startsWith("ERR_SSL_") ? tlsAlert(error as Error) : undefined);
  return { errno: code, meaning };
}

const foreignAnswer: Meaning = { says: "the answer is not HTTP/1.1", hint: notHttp, kind: "protocol" };

function tlsAlert(error: Error): Meaning {
  const reason = "reason" in error && typeof error.reason === "string" ? error.reason : error.message;
  return { says: `the TLS handshake failed: ${reason}`, hint: notTls, kind: "tls" };
}

/** What happened, in words: `connection refused (ECONNREFUSED)`. */
export function describeError(error: unknown): string {
  const { errno, meaning } = meaningOf(error);
  if (meaning) return /^(?:UND_|HTTP)/.test(errno ?? "") ? meaning.says : `${meaning.says} (${errno})`;
  return error instanceof Error ? error.message : String(error);
}

/** What the reader may check next, if that is known. */
export const hintFor = (error: unknown): string | undefined => meaningOf(error).meaning?.hint;

/** The `kind` of a failure: what the error always is, or the layer with the error's name. */
export function kindOf(layer: string, error: unknown): string {
  const { errno, meaning } = meaningOf(error);
  return meaning?.kind ?? (errno ? `${layer}:${errno}` : layer);
}

/**
 * A failed network call, as a Failure.
 * @param layer `connect`, `tls`, `http`, `postgres`: the first word of the Failure's kind where the error has none of its own
 * @param doing what was being done, with the address: `connect to db:5432 (10.0.0.3)`
 */
export function networkFailure(code: FailureCode, layer: string, doing: string, error: unknown): Failure {
  if (error instanceof Failure) return error;
  return new Failure(code, `${doing}: ${describeError(error)}`, {
    kind: kindOf(layer, error),
    hint: hintFor(error),
    cause: error,
  });
}

/**
 * What to end with when a signal aborts: its reason, and where that is a time limit of the step or the attempt, with
 * what was being done when the time was over.
 */
export function interrupted(
  signal: AbortSignal,
  code: FailureCode,
  doing: string,
  { kind, hint }: { readonly kind: string; readonly hint?: string },
): unknown {
  const reason: unknown = signal.reason;
  if (!(reason instanceof Failure) || ofTheRun.has(reason.code)) return reason;
  return new Failure(code, `${doing}: ${reason.message}`, { kind, hint: hint ?? reason.hint, cause: reason });
}

const ofTheRun: ReadonlySet<FailureCode> = new Set<FailureCode>(["signal", "run-timeout"]);
