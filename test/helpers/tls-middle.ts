import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import { type Peer, startPeer } from "./peers.ts";

const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);

/** Stands between clients and a PostgreSQL on loopback: it speaks TLS with both, and passes on what they say. */
export function startTlsMiddle(port: number, identity: { cert: string; key: string }): Promise<Peer> {
  return startPeer((client) => {
    client.once("data", () => {
      client.write("S");
      void passOn(new TLSSocket(client, { isServer: true, ...identity }), port);
    });
  });
}

async function passOn(client: Socket, port: number): Promise<void> {
  const plain = connect(port, "127.0.0.1");
  plain.write(sslRequest);
  await once(plain, "data");
  const server = connectTls({ socket: plain, rejectUnauthorized: false });
  for (const socket of [client, server]) {
    socket.on("error", () => {}).on("close", () => [client, server].forEach((each) => each.destroy()));
  }
  client.pipe(server).pipe(client);
}
