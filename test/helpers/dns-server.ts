import { createSocket, type RemoteInfo } from "node:dgram";
import { once } from "node:events";

/**
 * What the server says about a name: addresses of either family, texts (TXT), `priority weight port target` (SRV), an
 * error, or nothing at all.
 */
export type DnsAnswer = readonly string[] | "nxdomain" | "servfail" | "silent";

export interface DnsServer extends AsyncDisposable {
  /** `127.0.0.1:40053` */
  readonly address: string;
  /** The names asked for so far, each with its type: `db.test A`. */
  readonly asked: string[];
}

const types: Readonly<Record<number, string>> = { 1: "A", 16: "TXT", 28: "AAAA", 33: "SRV" };

/** A name server on loopback (RFC 1035, UDP only); a name that `answer` gives `[]` for exists without an address. */
export async function startDnsServer(
  answer: (name: string, type: string) => DnsAnswer,
  { host = "127.0.0.1", port = 0 } = {},
): Promise<DnsServer> {
  const socket = createSocket("udp4");
  const asked: string[] = [];
  socket.on("message", (query: Buffer, { port, address }: RemoteInfo) => {
    const { name, type, end } = question(query);
    asked.push(`${name} ${type}`);
    const says = answer(name, type);
    if (says !== "silent") socket.send(reply(query, end, type, says), port, address);
  });
  socket.bind(port, host);
  await once(socket, "listening");
  return {
    address: `${host}:${socket.address().port}`,
    asked,
    async [Symbol.asyncDispose]() {
      await new Promise<void>((resolve) => socket.close(resolve));
    },
  };
}

function question(query: Buffer): { name: string; type: string; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at]!; length > 0; length = query[at]!) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  return {
    name: labels.join(".").toLowerCase(),
    type: types[query.readUInt16BE(at + 1)] ?? "?",
    end: at + 5,
  };
}

function reply(query: Buffer, end: number, type: string, says: Exclude<DnsAnswer, "silent">): Buffer {
  const failed = says === "nxdomain" ? 3 : says === "servfail" ? 2 : 0;
  const records =
    typeof says === "string"
      ? []
      : says.filter((each) => !type.startsWith("A") || each.includes(":") === (type === "AAAA"));
  const header = Buffer.from(query.subarray(0, 12));
  header.writeUInt16BE(0x8180 | failed, 2);
  header.writeUInt16BE(records.length, 6);
  header.fill(0, 8, 12);
  return Buffer.concat([header, query.subarray(12, end), ...records.map((address) => record(type, address))]);
}

function record(type: string, address: string): Buffer {
  const data = encoders[type]!(address);
  const number = Number(Object.keys(types).find((each) => types[Number(each)] === type));
  const head = Buffer.from([0xc0, 12, 0, number, 0, 1, 0, 0, 0, 0, 0, data.length]);
  return Buffer.concat([head, data]);
}

const encoders: Readonly<Record<string, (text: string) => Buffer>> = {
  A: (address) => Buffer.from(address.split(".").map(Number)),
  AAAA: bytesOf6,
  TXT: sized,
  SRV(text) {
    const [priority, weight, port, target = ""] = text.split(" ");
    const numbers = [priority, weight, port].map(Number).flatMap((number) => [number >> 8, number & 0xff]);
    return Buffer.concat([Buffer.from(numbers), ...target.split(".").map(sized), Buffer.from([0])]);
  },
};

function sized(text: string): Buffer {
  return Buffer.concat([Buffer.from([text.length]), Buffer.from(text)]);
}

function bytesOf6(address: string): Buffer {
  const [left = "", right = ""] = address.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = 8 - groups(left).length - groups(right).length;
  const all = [...groups(left), ...Array.from({ length: missing }, () => "0"), ...groups(right)];
  return Buffer.from(
    all.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  );
}
