import { connect, type Socket } from "node:net";
import { type Peer, startPeer } from "./peers.ts";

export interface CutLine extends Peer {
  /** How many bytes each connection has carried, both ways together. */
  readonly carried: readonly number[];
}

/**
 * A way to a server whose connections are cut, one after the other, when they have carried so many bytes both ways
 * together; those behind the last one are whole.
 */
export async function startCutLine(serverPort: number, cuts: readonly number[]): Promise<CutLine> {
  const carried: number[] = [];
  const peer = await startPeer((client, number) => {
    const server = connect(serverPort, "127.0.0.1");
    const at = number - 1;
    carried[at] = 0;
    const carry = (from: Socket, to: Socket) =>
      from
        .on("error", () => {})
        .on("close", () => to.end())
        .on("data", (bytes: Buffer) => {
          const left = (cuts[at] ?? Infinity) - carried[at]!;
          carried[at]! += bytes.length;
          if (bytes.length < left) return void to.write(bytes);
          to.end(bytes.subarray(0, Math.max(0, left)));
          from.destroy();
        });
    carry(client, server);
    carry(server, client);
  });
  return { ...peer, carried };
}
