import { createSocket } from "node:dgram";
import { once } from "node:events";

/** Records by name and type; every other name does not exist, and one of `silent` is never answered. */
export interface SrvZone {
  readonly srv?: Readonly<Record<string, readonly { readonly name: string; readonly port: number }[]>>;
  /** Each record with its strings. */
  readonly txt?: Readonly<Record<string, readonly (readonly string[])[]>>;
  readonly silent?: readonly string[];
}

export interface SrvDns extends AsyncDisposable {
  /** `127.0.0.1:40053` */
  readonly address: string;
  /** `_mongodb._tcp.db.test SRV`, in order. */
  readonly asked: string[];
}

const types = { TXT: 16, SRV: 33 } as const;

/** A name server on loopback for SRV (RFC 2782) and TXT records. */
export async function startSrvDns({ srv = {}, txt = {}, silent = [] }: SrvZone): Promise<SrvDns> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query, { port, address }) => {
    const { name, type, end } = question(query);
    const isSrv = type === types.SRV;
    asked.push(`${name} ${isSrv ? "SRV" : "TXT"}`);
    if (silent.includes(name)) return;
    const records = isSrv ? srv[name]?.map(srvData) : txt[name]?.map(txtData);
    socket.send(answer(query.subarray(0, end), type, records), port, address);
  });
  socket.bind(0, "127.0.0.1");
  await once(socket, "listening");
  return {
    address: `127.0.0.1:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

function question(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join(".").toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 };
}

function srvData({ name, port }: { name: string; port: number }): Buffer {
  const labels = name.split(".").map((label) => sized(label));
  return Buffer.concat([numbers(0, 0, port), ...labels, Buffer.alloc(1)]);
}

const txtData = (strings: readonly string[]): Buffer => Buffer.concat(strings.map(sized));

const sized = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);

function answer(query: Buffer, type: number, records: readonly Buffer[] | undefined): Buffer {
  const head = Buffer.from(query);
  head.writeUInt16BE(records ? 0x8180 : 0x8183, 2);
  head.writeUInt16BE(records?.length ?? 0, 6);
  head.fill(0, 8, 12);
  const entries = records?.map((data) => Buffer.concat([numbers(0xc00c, type, 1, 0, 0, data.length), data]));
  return Buffer.concat([head, ...(entries ?? [])]);
}

function numbers(...values: number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, at) => bytes.writeUInt16BE(value, at * 2));
  return bytes;
}
