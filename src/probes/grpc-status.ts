import type { IncomingHttpHeaders } from "node:http2";
import { quote } from "../format.ts";

/** The names of the codes in `grpc-status`, from 0 on (gRPC status codes). */
const names = [
  "OK",
  "CANCELLED",
  "UNKNOWN",
  "INVALID_ARGUMENT",
  "DEADLINE_EXCEEDED",
  "NOT_FOUND",
  "ALREADY_EXISTS",
  "PERMISSION_DENIED",
  "RESOURCE_EXHAUSTED",
  "FAILED_PRECONDITION",
  "ABORTED",
  "OUT_OF_RANGE",
  "UNIMPLEMENTED",
  "INTERNAL",
  "UNAVAILABLE",
  "DATA_LOSS",
  "UNAUTHENTICATED",
];

const wantsCredentials =
  "the server is up, but its health service wants credentials: let it answer without them, or wait for tcp:// instead";

const hints: Readonly<Record<string, string>> = {
  NOT_FOUND:
    "check the name of the service in the URL against those that the server sets a status for; without a name the server as a whole is asked",
  UNIMPLEMENTED:
    "the server has no health service (grpc.health.v1.Health): add it to the server, or wait for tcp:// instead",
  UNAUTHENTICATED: wantsCredentials,
  PERMISSION_DENIED: wantsCredentials,
  UNAVAILABLE:
    "the server is starting or stopping, or a proxy in between has no server behind it that is ready: look at their logs",
};

/** How a call ended, in the server's words. */
export interface Status {
  /** `OK`, `UNAVAILABLE`; `code-17` where it is new. */
  readonly name: string;
  /** In quotes. Empty where there is none. */
  readonly message: string;
  readonly hint: string;
}

/** Undefined where there is no status: the call was cut off. */
export function statusIn(trailers: IncomingHttpHeaders): Status | undefined {
  const code = trailers["grpc-status"];
  if (code === undefined) return undefined;
  const number = Number.parseInt(String(code), 10);
  const name = names[number] ?? `code-${number}`;
  const message = String(trailers["grpc-message"] ?? "");
  return {
    name,
    message: message && quote(decoded(message)),
    hint: hints[name] ?? "look at the log of the server",
  };
}

/** Percent-encoded UTF-8; what is broken is shown as it is. */
function decoded(message: string): string {
  try {
    return decodeURIComponent(message);
  } catch {
    return message;
  }
}
