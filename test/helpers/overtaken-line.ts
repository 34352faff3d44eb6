import { connect } from "node:net";
import { type Peer, startPeer } from "./peers.ts";

export interface OvertakenLine extends Peer {
  /** Called when the message is held back. */
  onHeld: () => void;
}

/** The code of a CancelRequest (PostgreSQL manual, 54.7). */
const cancelCode = 80877102;

/** A way to a server that holds a message back until the server has ended the next request to cancel. */
export async function startOvertakenLine(port: number, message: string): Promise<OvertakenLine> {
  let release = (): void => {};
  const peer = await startPeer((client) => {
    const server = connect(port, "127.0.0.1");
    server.on("error", () => {}).on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    server.pipe(client);
    client.on("data", (bytes: Buffer) => {
      if (bytes.length === 16 && bytes.readInt32BE(4) === cancelCode) server.once("end", () => release());
      if (!bytes.includes(message)) return void server.write(bytes);
      release = () => server.write(bytes);
      line.onHeld();
    });
  });
  const line: OvertakenLine = { ...peer, onHeld() {} };
  return line;
}
