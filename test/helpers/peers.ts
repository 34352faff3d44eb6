import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** How many connections there have been, how many are open now, and how many have been at most. */
  readonly counts: { accepted: number; open: number; most: number };
  /** Resolves when no connection is open. */
  idle(): Promise<void>;
}

export interface PeerOptions {
  readonly host?: string;
  readonly port?: number;
  readonly path?: string;
}

/** A TCP server that does with each connection what the test says, reads what comes, and hangs up when the client does. */
export async function startPeer(
  onConnection: (socket: Socket, number: number) => void,
  { host = "127.0.0.1", port = 0, path }: PeerOptions = {},
): Promise<Peer> {
  const counts = { accepted: 0, open: 0, most: 0 };
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    counts.most = Math.max(counts.most, ++counts.open);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => {
      counts.open--;
      sockets.delete(socket);
      server.emit("idle?");
    });
    onConnection(socket, ++counts.accepted);
    socket.resume();
  });
  server.listen(path === undefined ? { host, port } : { path });
  await once(server, "listening");
  return {
    port: path === undefined ? (server.address() as AddressInfo).port : 0,
    counts,
    async idle() {
      while (counts.open > 0) await once(server, "idle?");
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function freePort(): Promise<number> {
  await using peer = await startPeer(() => {});
  return peer.port;
}

/** What keeps the event loop alive, by kind: `TCPSocketWrap`, `Timeout`, … */
export async function openResources(): Promise<readonly string[]> {
  // What has been closed is gone only after a turn of the loop.
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate);
  return process.getActiveResourcesInfo().toSorted();
}
