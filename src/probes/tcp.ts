import type { Socket } from "node:net";
import { Failure } from "../failure.ts";
import { dial, type DialOptions, hostPort, peerOf } from "../net/dial.ts";
import { interrupted } from "../net/errors.ts";
import type { TcpTarget, UnixTarget } from "./target.ts";

/** A proxy that has nothing behind it accepts, tries its backend and hangs up; this takes it a few milliseconds. */
const holdMs = 50;

/**
 * Ready when a connection is accepted and stays: silent for a moment, or at once when the server speaks first.
 * @throws Failure `not-ready`
 */
export async function probeTcp(target: TcpTarget | UnixTarget, signal: AbortSignal): Promise<void> {
  const address = target.scheme === "unix" ? { host: "", port: 0, path: target.path } : target;
  const socket = await connected(address, signal);
  try {
    await hold(socket, `${target.scheme} ${peerOf(socket, address)}`, signal);
  } finally {
    socket.destroy();
  }
}

type Address = Pick<DialOptions, "host" | "port" | "path">;

async function connected(address: Address, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial({ ...address, signal, code: "not-ready" });
  } catch (error) {
    // A reset that is fast enough comes before we see that we were connected.
    throw error instanceof Failure && error.kind === "reset"
      ? hungUp(`tcp ${hostPort(address.host, address.port)}`, "reset")
      : error;
  }
}

function hold(socket: Socket, peer: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const doing = `${peer}: connected`;
    const onAbort = () =>
      settle(() => reject(interrupted(signal, "not-ready", doing, { kind: "tcp:timeout" }) as Error));
    const closed = (how: string) => settle(() => reject(hungUp(peer, how)));
    const timer = setTimeout(() => settle(resolve), holdMs);
    socket.once("data", () => settle(resolve));
    socket.once("end", () => closed("closed"));
    socket.once("error", () => closed("reset"));
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

const hungUp = (peer: string, how: string): Failure =>
  new Failure("not-ready", `${peer}: accepted, then ${how}`, {
    kind: "expectation:stays-open",
    hint: "a proxy or sidecar without a backend does that: check that the pods behind the Service are ready, and under a service mesh that its proxy is up before init containers",
  });
