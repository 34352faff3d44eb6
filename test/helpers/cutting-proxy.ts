import { connect } from "node:net";
import { type Peer, startPeer } from "./peers.ts";

export interface CuttingProxy extends Peer {
  /** Whether a connection was cut. */
  readonly cut: boolean;
}

/**
 * A way to a server that cuts a client off at its n-th message (0 is the first), as the end of the client's process
 * would: before the message has reached the server, or when the server has it and the answer is still out.
 */
export async function startCuttingProxy(
  port: number,
  n: number,
  when: "before" | "after",
): Promise<CuttingProxy> {
  let left = n;
  let cut = false;
  const peer = await startPeer((client) => {
    const server = connect(port, "127.0.0.1");
    server.on("error", () => {}).on("close", () => client.destroy());
    client.on("close", () => server.end());
    server.pipe(client);
    client.on("data", (bytes: Buffer) => {
      if (cut || left-- > 0) return void server.write(bytes);
      cut = true;
      server.end(when === "after" ? bytes : "");
      client.destroy();
    });
  });
  return {
    ...peer,
    get cut() {
      return cut;
    },
  };
}
