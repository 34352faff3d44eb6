import type { TLSSocket } from "node:tls";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { hostPort } from "../net/host-port.ts";
import { type Answer, isGrpc, unaryCall } from "./grpc-call.ts";
import { foreign, hungUp, notReady } from "./grpc-failures.ts";
import { type Status, statusIn } from "./grpc-status.ts";
import { healthRequest, servingStatus } from "./grpc-wire.ts";
import { protocols } from "./protocols.ts";
import { type Asking, connectTo } from "./server.ts";

/**
 * Ready when the server's health service says SERVING, of the service that the path names or of the server as a whole
 * (gRPC health checking protocol).
 */
export async function probe(asking: Asking): Promise<void> {
  const { server, target, signal } = asking;
  if (target.password !== undefined) throw noLogin();
  const { socket, peer } = await connectTo(asking, ["h2"]);
  const name = `${protocols.grpc.label} ${peer}`;
  try {
    if (target.tls && (socket as TLSSocket).alpnProtocol !== "h2") throw withoutHttp2(name);
    const answer = await unaryCall(socket, {
      name,
      scheme: target.tls ? "https" : "http",
      authority: server.path === undefined ? hostPort(server.host, server.port) : server.host,
      path: "/grpc.health.v1.Health/Check",
      message: healthRequest(target.path),
      signal,
    });
    judge(answer, name, target.path);
  } finally {
    socket.destroy();
  }
}

const noLogin = (): Failure =>
  new Failure("configuration", "gRPC: the URL has a password, and the health service knows no login", {
    hint: "leave user and password out of the URL; a client certificate is given with cert and key",
  });

const withoutHttp2 = (name: string): Failure =>
  foreign(name, "the server speaks TLS, but not HTTP/2 within it (no h2 in ALPN)");

function judge({ headers, trailers, body }: Answer, name: string, service: string): void {
  if (!isGrpc(headers)) throw foreign(name, `the answer is not gRPC, but ${described(headers)}`);
  const status = statusIn(trailers) ?? statusIn(headers);
  if (!status) throw hungUp(name);
  if (status.name !== "OK") throw failed(name, status);
  const serving = servingStatus(body);
  if (serving === undefined) throw foreign(name);
  if (serving !== "SERVING") throw notServing(name, service, serving);
}

const described = (headers: Answer["headers"]): string =>
  `HTTP ${headers[":status"]}, ${quote(headers["content-type"] ?? "no content-type")}`;

/** A service that the server does not know is one that is gone, for `absent`. */
const failed = (name: string, { name: status, message, hint }: Status): Failure =>
  notReady(
    name,
    `its health service answers ${status}${message && `: ${message}`}`,
    status === "NOT_FOUND" ? `expectation:grpc-${status}` : `grpc:${status}`,
    hint,
  );

const notServing = (name: string, service: string, status: string): Failure =>
  notReady(
    name,
    `${service === "" ? "the server" : quote(service)} is ${status}`,
    `expectation:grpc-${status}`,
    "the server is up, but says itself that it is not ready: look at its log, and at what it depends on",
  );
