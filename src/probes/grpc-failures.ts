import { Failure } from "../failure.ts";
import { interrupted, networkFailure } from "../net/errors.ts";

const code = "not-ready";

const otherProgram =
  "check the port: another program listens there, or one of the two sides speaks TLS, or a proxy in between does not pass HTTP/2 on";

/** A server that is not ready. `name` is how messages call it: `gRPC api:50051 (10.0.0.3)`; `says` goes on after it. */
export const notReady = (name: string, says: string, kind: string, hint: string): Failure =>
  new Failure(code, `${name}: ${says}`, { kind, hint });

/** What came is not gRPC over HTTP/2. */
export const foreign = (name: string, says = "the answer is not that of a gRPC server"): Failure =>
  notReady(name, says, "protocol", otherProgram);

export const hungUp = (name: string): Failure =>
  notReady(
    name,
    "the other side closed the connection without an answer",
    "reset",
    "a proxy or sidecar without a backend does that: check that the pods behind the Service are ready; a server that wants TLS does it too",
  );

/** The connection broke, or the server ended the call with a reason of HTTP/2: a server that stops does. */
export function broken(name: string, error: NodeJS.ErrnoException): Failure {
  if (!error.code?.startsWith("ERR_HTTP2_")) return networkFailure(code, "server", name, error);
  const reason = error.message.replace(/^.* error code (?:NGHTTP2_)?/, "");
  return notReady(
    name,
    `the server ended the call (${reason})`,
    "reset",
    "the server is starting or stopping, or a proxy in between ended the call: if that lasts, look at their logs",
  );
}

/** @param answered whether something has come that is no HTTP/2, and may be its start */
export function silent(name: string, signal: AbortSignal, answered: boolean): unknown {
  if (answered)
    return interrupted(signal, code, foreign(name).message, { kind: "protocol", hint: otherProgram });
  const hint =
    "the server takes connections but is silent: look at its log and load, and at proxies in between";
  return interrupted(signal, code, `${name}: no answer`, { kind: "timeout", hint });
}
