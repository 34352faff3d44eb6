import type { Socket } from "node:net";
import { Failure, type FailureCode } from "../failure.ts";
import { quote } from "../format.ts";
import { interrupted, networkFailure } from "./errors.ts";
import { basicAuthorization } from "./url.ts";

export interface TunnelOptions {
  readonly proxy: URL;
  /** Where to: `auth:443`. */
  readonly target: string;
  readonly signal: AbortSignal;
  readonly code: FailureCode;
}

/** More than any proxy says before it lets us through. */
const maxHead = 16 * 1024;

/**
 * Asks an HTTP proxy for a tunnel (CONNECT: RFC 9110, section 9.3.6); the socket leads to the target then.
 * @param socket connected to the proxy; it is destroyed when this fails
 * @throws Failure of kind `proxy:STATUS`, `reset`, `protocol`, `proxy:timeout`; the reason of the signal
 */
export async function openTunnel(socket: Socket, options: TunnelOptions): Promise<void> {
  const { proxy, target, code } = options;
  const authorization = basicAuthorization(proxy);
  const credentials = authorization === undefined ? "" : `proxy-authorization: ${authorization}\r\n`;
  socket.write(`CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${credentials}\r\n`);
  try {
    const head = await readHead(socket, options);
    const [, status, reason] = /^HTTP\/1\.[01] ([0-9]{3})(?: ([^\r\n]*))?\r?\n/.exec(head) ?? [];
    if (status === undefined) throw notProxy(options);
    if (!status.startsWith("2")) throw turnedDown(options, `${status} ${reason ?? ""}`.trim());
  } catch (error) {
    socket.destroy();
    throw networkFailure(code, "proxy", doing(options), error);
  }
}

const doing = ({ proxy, target }: TunnelOptions): string => `proxy ${proxy.host}, asked for ${target}`;

const notProxy = (options: TunnelOptions): Failure =>
  new Failure(options.code, `${doing(options)}: the answer is not that of a proxy`, {
    kind: "protocol",
    hint: "check the address in https_proxy",
  });

const turnedDown = (options: TunnelOptions, status: string): Failure =>
  new Failure(options.code, `${doing(options)}: ${quote(status)}`, {
    kind: `proxy:${status.slice(0, 3)}`,
    hint: "the proxy does not let this through: check https_proxy, the credentials in it, and whether the host belongs into no_proxy",
  });

const silent = {
  kind: "proxy:timeout",
  hint: "the proxy does not answer: check https_proxy, and whether the host belongs into no_proxy",
};

/** What follows the head belongs to the target, and stays in the socket. */
function readHead(socket: Socket, options: TunnelOptions): Promise<string> {
  const { signal, code } = options;
  let head = "";
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off("readable", onReadable).off("error", fail).off("end", onEnd);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error as Error));
    const onReadable = () => {
      for (let chunk = read(socket); chunk !== null; chunk = read(socket)) {
        const before = head.length;
        head += chunk.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0 && head.length > maxHead) return fail(notProxy(options));
        if (end < 0) continue;
        socket.unshift(chunk.subarray(end + 4 - before));
        return settle(() => resolve(head.slice(0, end + 2)));
      }
    };
    const onEnd = () => fail(Object.assign(new Error("connection closed"), { code: "ECONNRESET" }));
    const onAbort = () => fail(interrupted(signal, code, doing(options), silent));
    socket.on("readable", onReadable).on("error", fail).on("end", onEnd);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

const read = (socket: Socket): Buffer | null => socket.read() as Buffer | null;
