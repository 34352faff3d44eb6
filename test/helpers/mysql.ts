import type { Socket } from "node:net";
import { createSecureContext, TLSSocket } from "node:tls";
import type { Certificate } from "./certificates.ts";
import { type Peer, startPeer } from "./peers.ts";

export const nonce = Buffer.from(Array.from({ length: 20 }, (_, index) => index + 65));

export const ok = Buffer.from([0, 0, 0, 2, 0, 0, 0]);
export const accessDenied = error(1045, "Access denied for user 'somebody'@'10.0.0.7' (using password: YES)");

export function error(code: number, message: string): Buffer {
  const head = Buffer.from([0xff, 0, 0]);
  head.writeUInt16LE(code, 1);
  return Buffer.concat([head, Buffer.from(`#HY000${message}`)]);
}

export const switchTo = (plugin: string): Buffer =>
  Buffer.concat([Buffer.from(`\xfe${plugin}\0`, "latin1"), nonce, Buffer.from([0])]);

export const more = (data: Buffer | string | number[]): Buffer =>
  Buffer.concat([Buffer.from([1]), Buffer.from(data as Buffer)]);

export function greeting(plugin: string, hasTls: boolean): Buffer {
  const low = hasTls ? [0x08, 0x8a] : [0x08, 0x82];
  const fixed = [0, ...low, 45, 2, 0, 8, 0, 21, ...Buffer.alloc(10)];
  const version = Buffer.from("\x0a8.4.3\0\x07\0\0\0");
  const name = Buffer.from(`\0${plugin}\0`);
  return Buffer.concat([version, nonce.subarray(0, 8), Buffer.from(fixed), nonce.subarray(8), name]);
}

export function framed(number: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(4);
  head.writeUIntLE(payload.length, 0, 3);
  head[3] = number;
  return Buffer.concat([head, payload]);
}

export interface MySqlOptions {
  readonly plugin?: string;
  readonly certificate?: Certificate;
  /** Instead of the greeting. */
  readonly first?: Buffer;
}

export interface MySql extends Peer {
  /** The packets of the client, without their heads. */
  readonly said: Buffer[];
  /** How many went over TLS. */
  readonly counted: { encrypted: number; goodbyes: number };
}

/** A server that answers each packet of a login as the test says; an error ends the connection. */
export async function startMySql(
  answer: (turn: number) => Buffer | readonly Buffer[],
  { plugin = "mysql_native_password", certificate, first }: MySqlOptions = {},
): Promise<MySql> {
  const said: Buffer[] = [];
  const counted = { encrypted: 0, goodbyes: 0 };
  const peer = await startPeer((socket) => {
    let turn = 0;
    const listen = (connection: Socket) => {
      let received: Buffer = Buffer.alloc(0);
      connection.on("error", () => {});
      connection.on("data", (chunk: Buffer) => {
        received = Buffer.concat([received, chunk]);
        for (let length; (length = lengthIn(received)) !== undefined;) {
          const [head, payload] = [received.subarray(0, 4), received.subarray(4, length)];
          received = received.subarray(length);
          if (certificate && connection === socket && payload.length === 32)
            return secure(received, certificate);
          hear(connection, head[3]!, payload);
        }
      });
    };
    // A client speaks TLS right after it has asked for it, so its first bytes are here already.
    const secure = (start: Buffer, pair: Certificate) => {
      socket.removeAllListeners("data").pause().unshift(start);
      listen(new TLSSocket(socket, { isServer: true, secureContext: createSecureContext(pair) }));
    };
    const hear = (connection: Socket, number: number, payload: Buffer) => {
      if (number === 0) {
        counted.goodbyes += payload.equals(Buffer.from([1])) ? 1 : 0;
        connection.end();
        return;
      }
      said.push(payload);
      if (connection !== socket) counted.encrypted++;
      const says = [answer(turn++)].flat();
      connection.write(Buffer.concat(says.map((one, index) => framed(number + 1 + index, one))));
      if (says.at(-1)?.[0] === 0xff) connection.end();
    };
    socket.write(framed(0, first ?? greeting(plugin, certificate !== undefined)));
    if (first) socket.end();
    else listen(socket);
  });
  return Object.assign(peer, { said, counted });
}

function lengthIn(bytes: Buffer): number | undefined {
  const length = bytes.length < 4 ? Infinity : 4 + bytes.readUIntLE(0, 3);
  return length <= bytes.length ? length : undefined;
}

export const urlOf = ({ port }: Peer, userinfo = "", rest = ""): string =>
  `mysql://${userinfo}127.0.0.1:${port}${rest}`;

/** What a handshake response says: user, proof, database, plugin. */
export function loginIn(response: Buffer): { user: string; proof: Buffer; rest: string } {
  const end = response.indexOf(0, 32);
  const proofEnd = end + 2 + response[end + 1]!;
  return {
    user: response.toString("utf8", 32, end),
    proof: response.subarray(end + 2, proofEnd),
    rest: response.toString("utf8", proofEnd),
  };
}
