import type { Socket } from "node:net";

/** A server that hangs up when we do has this long for it. */
const goodbyeMs = 100;

/** Ends a connection without a reset, which some servers would log: what still comes is read and dropped. */
export function closeGently(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) return resolve();
    const timer = setTimeout(() => socket.destroy(), goodbyeMs);
    socket.once("close", () => {
      clearTimeout(timer);
      resolve();
    });
    socket.resume().end();
  });
}
