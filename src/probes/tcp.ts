import type { Socket } from "node:net";
import { Failure } from "../failure.ts";
import { dial, peerOf } from "../net/dial.ts";
import type { TcpTarget } from "./target.ts";

/** A proxy that has nothing behind it accepts, tries its backend and hangs up; this takes it a few milliseconds. */
const holdMs = 75;

/**
 * Ready when a connection is accepted and stays: silent for a moment, or at once when the server speaks first.
 * @throws Failure `not-ready`
 */
export async function probeTcp(target: TcpTarget, signal: AbortSignal): Promise<void> {
  const socket = await dial({ host: target.host, port: target.port, signal, code: "not-ready" });
  const peer = peerOf(socket, target);
  try {
    await hold(socket, peer, signal);
  } finally {
    socket.destroy();
  }
}

function hold(socket: Socket, peer: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const onAbort = () => settle(() => reject(signal.reason as Error));
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
