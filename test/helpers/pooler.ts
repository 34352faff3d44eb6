import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type Peer, startPeer } from "./peers.ts";

/** One message of the protocol, or as many as have come together. */
interface Waiting {
  readonly client: Socket;
  readonly bytes: Buffer;
}

/**
 * A connection pooler in transaction mode, as PgBouncer is one: all clients share one session of the server, which is
 * a client's own from its first message until the server is out of a transaction again. Users are trusted.
 * @param database what the session of the server is for
 */
export async function startTransactionPooler(port: number, database: string): Promise<Peer> {
  const server = await startServerSession(port, database);
  const queue: Waiting[] = [];
  let owner: Socket | undefined;
  const serve = () => {
    if (owner) return;
    const next = queue.shift();
    if (!next) return;
    owner = next.client;
    server.write(next.bytes);
  };
  server.on("data", (bytes: Buffer) => {
    owner?.write(bytes);
    if (!endsOutsideTransaction(bytes)) return;
    owner = undefined;
    serve();
  });
  const peer = await startPeer((client, number) => {
    client.on("data", (bytes: Buffer) => {
      if (isStartup(bytes)) return void client.write(answerTo(bytes, number));
      if (bytes[0] === "X".charCodeAt(0)) return void client.end();
      if (owner === client) return void server.write(bytes);
      queue.push({ client, bytes });
      serve();
    });
  });
  return {
    ...peer,
    async [Symbol.asyncDispose]() {
      await peer[Symbol.asyncDispose]();
      server.destroy();
    },
  };
}

async function startServerSession(port: number, database: string): Promise<Socket> {
  const server = connect(port, "127.0.0.1");
  await once(server, "connect");
  const parameters = Buffer.from(`user\0postgres\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(3 << 16, 4);
  server.write(Buffer.concat([head, parameters]));
  while (!endsOutsideTransaction(((await once(server, "data")) as [Buffer])[0]));
  return server;
}

/** Messages of the start-up have no letter in front, but a length of less than 16 MiB. */
const isStartup = (bytes: Buffer): boolean => bytes[0] === 0;

const sslRequestCode = 80877103;

/** To SSLRequest a no, to the start-up message a session with a made-up key. */
function answerTo(bytes: Buffer, number: number): Buffer {
  if (bytes.readInt32BE(4) === sslRequestCode) return Buffer.from("N");
  const key = Buffer.from([0x4b, 0, 0, 0, 12, 0x7f, 0xff, 0, number, 0, 0, 0, 1]);
  return Buffer.concat([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0]), key, readyForQuery]);
}

const readyForQuery = Buffer.from([0x5a, 0, 0, 0, 5, "I".charCodeAt(0)]);

const endsOutsideTransaction = (bytes: Buffer): boolean => bytes.subarray(-6).equals(readyForQuery);
