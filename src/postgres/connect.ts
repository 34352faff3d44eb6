import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { Failure } from "../failure.ts";
import { dial, hostPort } from "../net/dial.ts";
import { interrupted, networkFailure, noAnswer } from "../net/errors.ts";
import { upgradeToTls } from "../net/tls-connect.ts";
import type { Host } from "./hosts.ts";
import type { Encryption, PostgresTls } from "./tls.ts";

const code = "database-unavailable";

/** How to call a server in messages: `db:5432`, or the path of its socket. */
export const nameOf = ({ host, port, path }: Host): string => path ?? hostPort(host, port);

/**
 * A connection to a server, up to where PostgreSQL's start-up message goes out. The socket belongs to the caller.
 * @throws Failure `database-unavailable`, or `refused` for TLS that the server does not speak or that does not verify
 */
export async function openSocket(
  host: Host,
  encryption: Encryption,
  tls: PostgresTls,
  signal: AbortSignal,
): Promise<Socket> {
  const { address, port, path } = host;
  const socket = await dial({ host: address ?? host.host, port, path, signal, code });
  socket.setKeepAlive(true, keepAliveMs);
  if (encryption === "plain" || path !== undefined) return socket;
  try {
    if (!tls.direct && !(await tlsIsOffered(socket, host, signal)))
      return plainOrFail(socket, host, encryption);
    return await secured(socket, host, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

/** A server that vanished without a word is noticed soon after this. */
const keepAliveMs = 30_000;

function plainOrFail(socket: Socket, host: Host, encryption: Encryption): Socket {
  if (encryption === "offered") return socket;
  throw new Failure("refused", `${nameOf(host)}: the server does not speak TLS, and sslmode asks for it`, {
    hint: "turn on ssl at the server, or set sslmode to prefer or disable",
    kind: "tls:not-offered",
  });
}

function secured(socket: Socket, host: Host, tls: PostgresTls, signal: AbortSignal): Promise<TLSSocket> {
  return upgradeToTls(socket, {
    host: host.host,
    peer: nameOf(host),
    tls: tls.settings,
    ...(tls.direct ? { alpn: ["postgresql"] } : {}),
    checkName: tls.checkName,
    signal,
    code,
    certificateCode: "refused",
  });
}

/** SSLRequest (PostgreSQL manual, 54.7): its length, then 1234.5679 as the version. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Whether the server is ready for TLS now; it answers with a single byte. */
async function tlsIsOffered(socket: Socket, host: Host, signal: AbortSignal): Promise<boolean> {
  socket.write(sslRequest);
  const answer = await firstBytes(socket, host, signal);
  if (answer === "S" || answer === "N") return answer === "S";
  // More than one byte could be an attacker's, sent before the encryption begins (CVE-2021-23222).
  throw new Failure(code, `${nameOf(host)}: the answer is not that of a PostgreSQL server`, {
    hint: "check the port: another program listens there",
    kind: "protocol",
  });
}

function firstBytes(socket: Socket, host: Host, signal: AbortSignal): Promise<string> {
  const doing = `${nameOf(host)}, asking for TLS`;
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off("data", onData).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error as Error));
    const onData = (bytes: Buffer) => settle(() => resolve(bytes.toString("latin1")));
    const onError = (error: Error) => fail(networkFailure(code, "postgres", doing, error));
    const onClose = () => fail(closed(doing));
    const onAbort = () =>
      fail(interrupted(signal, code, doing, { kind: "postgres:timeout", hint: noAnswer }));
    socket.on("data", onData).on("error", onError).on("close", onClose);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

const closed = (doing: string): Failure =>
  new Failure(code, `${doing}: the other side closed the connection`, {
    hint: "look at the log of the server, and at a proxy or sidecar in between",
    kind: "reset",
  });
