import type { Socket } from "node:net";
import { Failure } from "../failure.ts";
import { dial, hostPort, peerOf } from "../net/dial.ts";
import { interrupted } from "../net/errors.ts";
import type { TcpTarget } from "./target.ts";

/** A proxy that has nothing behind it accepts, tries its backend and hangs up; this takes it a few milliseconds. */
const holdMs = 75;

/**
 * Ready when a connection is accepted and stays: silent for a moment, or at once when the server speaks first.
 * @throws Failure `not-ready`
 */
export async function probeTcp(target: TcpTarget, signal: AbortSignal): Promise<void> {
  const socket = await connected(target, signal);
  try {
    await hold(socket, peerOf(socket, target), signal);
  } finally {
    socket.destroy();
  }
}

async function connected({ host, port }: TcpTarget, signal: AbortSignal): Promise<Socket> {
  try {
    return await dial({ host, port, signal, code: "not-ready" });
  } catch (error) {
    // A reset that is fast enough comes before we see that we were connected.
    throw error instanceof Failure && error.kind === "reset" ? hungUp(hostPort(host, port), "reset") : error;
  }
}

function hold(socket: Socket, peer: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const doing = `tcp ${peer}: connected`;
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
  new Failure("not-ready", `tcp ${peer}: accepted, then ${how}`, {
    kind: "expectation:stays-open",
    hint: "a proxy or sidecar without a backend does that: check that the pods behind the Service are ready, and under a service mesh that its proxy is up before init containers",
  });
