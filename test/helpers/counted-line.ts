import { connect } from "node:net";
import { startPeer } from "./peers.ts";

/** A way to a server on loopback that counts what clients send. */
export interface CountedLine extends AsyncDisposable {
  readonly port: number;
  /** How many pieces have been sent: about one for each message that awaits an answer. */
  sent: number;
  onSent: () => void;
}

export async function startCountedLine(serverPort: number): Promise<CountedLine> {
  const peer = await startPeer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    server.on("error", () => {}).on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    client.on("data", () => {
      line.sent++;
      line.onSent();
    });
    client.pipe(server).pipe(client);
  });
  const line: CountedLine = {
    port: peer.port,
    sent: 0,
    onSent: () => {},
    [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose](),
  };
  return line;
}
