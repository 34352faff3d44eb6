import type { Socket } from "node:net";
import { Failure, type FailureCode } from "../failure.ts";
import { deadline } from "../deadline.ts";
import { formatMs } from "../format.ts";
import { noAnswer } from "./errors.ts";
import { hostPort } from "./host-port.ts";
import { Race } from "./race.ts";
import { resolve, type ResolveOptions } from "./resolver.ts";

export { hostPort };

export interface DialOptions {
  /** A name, an address, or `[::1]`. Unused with `path`. */
  readonly host: string;
  readonly port: number;
  /** A Unix socket, instead of host and port. */
  readonly path?: string | undefined;
  readonly signal: AbortSignal;
  /** The code of the Failures. */
  readonly code: FailureCode;
  /** Bound on resolving and connecting, in milliseconds. */
  readonly connectTimeout?: number | undefined;
  readonly resolver?: Pick<ResolveOptions, "resolvConf" | "hosts" | "servers">;
}

/**
 * A connected socket. All addresses of the name are tried, each 250 ms after the one before or as soon as that one
 * failed; a slower one goes on meanwhile, and the first that connects wins (RFC 8305, section 5). The socket has a
 * listener for errors that does nothing, so one that comes late ends no process; it belongs to the caller.
 * @throws Failure of kind `dns:…` or `connect:…` with every address's own error; the reason of the signal
 */
export async function dial(options: DialOptions): Promise<Socket> {
  const { signal, code, connectTimeout = Infinity } = options;
  using bound = deadline(signal, connectTimeout, () => tooSlow(code, connectTimeout));
  return await dialWithin({ ...options, signal: bound.signal });
}

const tooSlow = (code: FailureCode, limit: number): Failure =>
  new Failure(code, `no connection within ${formatMs(limit)}`, { kind: "connect:timeout", hint: noAnswer });

async function dialWithin(options: DialOptions): Promise<Socket> {
  const { host, port, path, signal, code } = options;
  signal.throwIfAborted();
  if (path !== undefined) return await new Race(path, [{ path }], signal, code).winner;
  const addresses = await resolve(host, { signal, code, ...options.resolver });
  const endpoints = addresses.map((address) => ({ host: address, port }));
  return await new Race(hostPort(host, port), endpoints, signal, code).winner;
}

/** What to call the other side in a message: `db:5432 (10.0.0.3)`, or just the address where it was given. */
export function peerOf(
  socket: Socket,
  { host, port, path }: Pick<DialOptions, "host" | "port" | "path">,
): string {
  if (path !== undefined) return path;
  const name = hostPort(host, port);
  const address = socket.remoteAddress;
  return address === undefined || host.replace(/^\[|\]$/g, "") === address ? name : `${name} (${address})`;
}
