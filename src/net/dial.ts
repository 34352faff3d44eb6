import type { Socket } from "node:net";
import { Failure, type FailureCode } from "../failure.ts";
import { deadline } from "../deadline.ts";
import { formatMs } from "../format.ts";
import { describeError, hintFor, interrupted, kindOf, noAnswer } from "./errors.ts";
import { hostPort } from "./host-port.ts";
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
  if (path !== undefined) return await race([{ path }], path, signal, code);
  const addresses = await resolve(host, { signal, code, ...options.resolver });
  return await race(
    addresses.map((address) => ({ host: address, port })),
    hostPort(host, port),
    signal,
    code,
  );
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

type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

const staggerMs = 250;

async function race(
  endpoints: readonly Endpoint[],
  name: string,
  signal: AbortSignal,
  code: FailureCode,
): Promise<Socket> {
  const { connect } = await import("node:net");
  const waiting = [...endpoints];
  const open = new Set<Socket>();
  const failed: FailedEndpoint[] = [];
  return await new Promise((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      for (const loser of open) loser.removeAllListeners("connect").destroy();
      act();
    };
    const next = () => {
      clearTimeout(timer);
      const endpoint = waiting.shift();
      if (endpoint) start(endpoint);
      else if (open.size === 0) settle(() => reject(allFailed(name, failed, code)));
    };
    const start = (endpoint: Endpoint) => {
      const socket = connect({ ...endpoint, noDelay: true });
      open.add(socket);
      socket.on("error", (error) => {
        if (!open.delete(socket)) return;
        failed.push({ endpoint, error });
        next();
      });
      socket.once("connect", () => {
        open.delete(socket);
        settle(() => resolve(socket));
      });
      if (waiting.length > 0) timer = setTimeout(next, staggerMs);
    };
    const onAbort = () => settle(() => reject(outOfTime(name, endpoints, failed, signal, code) as Error));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
    else next();
  });
}

interface FailedEndpoint {
  readonly endpoint: Endpoint;
  readonly error: Error;
}

function allFailed(name: string, failed: readonly FailedEndpoint[], code: FailureCode): Failure {
  const telling =
    failed.find(({ error }) => !isOrdinary(error)) ?? failed.find(({ error }) => isRefused(error));
  const { error } = telling ?? failed[0]!;
  return new Failure(code, `connect to ${described(name, failed)}`, {
    kind: kindOf("connect", error),
    hint: hintFor(error),
    cause: error,
  });
}

const errno = (error: Error): string | undefined => (error as NodeJS.ErrnoException).code;
const isRefused = (error: Error): boolean => errno(error) === "ECONNREFUSED";

/** A pod without IPv6 fails at once on such an address; what the others say tells more. */
const isOrdinary = (error: Error): boolean =>
  ["ECONNREFUSED", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"].includes(errno(error) ?? "");

function described(name: string, failed: readonly FailedEndpoint[]): string {
  const [only, ...others] = failed;
  if (only && others.length === 0) {
    const address = addressOf(only.endpoint);
    const shown = name.startsWith(address) || name.startsWith(`[${address}]`) ? name : `${name} (${address})`;
    return `${shown}: ${describeError(only.error)}`;
  }
  return `${name}: ${failed.map(({ endpoint, error }) => `${addressOf(endpoint)}: ${describeError(error)}`).join("; ")}`;
}

const addressOf = (endpoint: Endpoint): string => ("path" in endpoint ? endpoint.path : endpoint.host);

function outOfTime(
  name: string,
  endpoints: readonly Endpoint[],
  failed: readonly FailedEndpoint[],
  signal: AbortSignal,
  code: FailureCode,
): unknown {
  const known = failed.map(({ endpoint, error }) => `; ${addressOf(endpoint)}: ${describeError(error)}`);
  const silent = endpoints
    .filter((endpoint) => !failed.some((each) => each.endpoint === endpoint))
    .map(addressOf);
  const doing = `connect to ${name} (no answer from ${silent.join(", ")}${known.join("")})`;
  return interrupted(signal, code, doing, { kind: "connect:timeout", hint: noAnswer });
}
