import { type Method, methodFrame, uint16, uint32 } from "./amqp-frames.ts";

/** What the server says of a connection, as far as a probe wants to know (AMQP 0-9-1 XML definition, class 10). */
export type ServerMethod =
  | { readonly name: "start"; readonly mechanisms: readonly string[] }
  | { readonly name: "tune"; readonly channelMax: number; readonly frameMax: number }
  | { readonly name: "open-ok" | "close-ok" }
  | { readonly name: "close"; readonly code: number; readonly text: string };

/** Reads a method; undefined where it is another one, or its fields make no sense. */
export function readMethod({ method, fields }: Method): ServerMethod | undefined {
  switch (method) {
    case 10:
      return readStart(fields);
    case 30:
      return readTune(fields);
    case 41:
      return { name: "open-ok" };
    case 50:
      return readClose(fields);
    case 51:
      return { name: "close-ok" };
    default:
      return undefined;
  }
}

/** Two numbers of the version and a table of the server's properties come before the mechanisms. */
function readStart(fields: Buffer): ServerMethod | undefined {
  const afterProperties = endOfLong(fields, 2);
  const end = endOfLong(fields, afterProperties);
  if (end === undefined) return undefined;
  const mechanisms = fields.toString("latin1", afterProperties! + 4, end);
  return { name: "start", mechanisms: mechanisms.split(" ") };
}

/** Where the long string or table ends that begins at a place, if it is there whole. */
function endOfLong(fields: Buffer, start: number | undefined): number | undefined {
  if (start === undefined || fields.length < start + 4) return undefined;
  const end = start + 4 + fields.readUInt32BE(start);
  return end <= fields.length ? end : undefined;
}

function readTune(fields: Buffer): ServerMethod | undefined {
  if (fields.length < 8) return undefined;
  return { name: "tune", channelMax: fields.readUInt16BE(0), frameMax: fields.readUInt32BE(2) };
}

function readClose(fields: Buffer): ServerMethod | undefined {
  const end = fields.length < 3 ? Infinity : 3 + fields[2]!;
  if (end > fields.length) return undefined;
  return { name: "close", code: fields.readUInt16BE(0), text: fields.toString("utf8", 3, end) };
}

/** No longer text fits into a short string: the name of a virtual host, in bytes. */
export const maxShortString = 255;

const shortString = (text: string): Buffer => Buffer.from([Buffer.byteLength(text), ...Buffer.from(text)]);
const long = (bytes: Buffer): Buffer => Buffer.concat([uint32(bytes.length), bytes]);

/** The entries of a field table, each a name and a value with its type before it. */
const entries = (values: Readonly<Record<string, Buffer>>): Buffer =>
  Buffer.concat(Object.entries(values).flatMap(([key, value]) => [shortString(key), value]));

const text = (value: string): Buffer => Buffer.concat([Buffer.from("S"), long(Buffer.from(value))]);
const table = (values: Readonly<Record<string, Buffer>>): Buffer =>
  Buffer.concat([Buffer.from("F"), long(entries(values))]);
const yes = Buffer.from("t\x01");

const clientProperties = entries({
  product: text("initkit"),
  // Asks RabbitMQ to say so when the login fails, where the specification wants it to hang up without a word.
  capabilities: table({ authentication_failure_close: yes }),
});

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** How each mechanism that takes a password puts it: PLAIN (RFC 4616), and a field table without its length. */
const responses: Readonly<Record<string, (credentials: Credentials) => Buffer>> = {
  PLAIN: ({ user, password }) => Buffer.from(`\0${user}\0${password}`),
  AMQPLAIN: ({ user, password }) => entries({ LOGIN: text(user), PASSWORD: text(password) }),
};

/** The first mechanism for a password that a server offers. */
export const mechanismIn = (offered: readonly string[]): string | undefined =>
  Object.keys(responses).find((mechanism) => offered.includes(mechanism));

/** @param mechanism as `mechanismIn` has found it */
export function startOk(mechanism: string, credentials: Credentials): Buffer {
  const response = long(responses[mechanism]!(credentials));
  return methodFrame(11, long(clientProperties), shortString(mechanism), response, shortString("en_US"));
}

/** Takes the server's limits, and wants no heartbeats, which are for connections that last. */
export const tuneOk = (channelMax: number, frameMax: number): Buffer =>
  methodFrame(31, uint16(channelMax), uint32(frameMax), uint16(0));

/** A reserved text and a reserved bit follow the virtual host. */
export const open = (virtualHost: string): Buffer =>
  methodFrame(40, shortString(virtualHost), shortString(""), Buffer.from([0]));

/** Success, a text, and no method that was the reason. */
export const close = (): Buffer => methodFrame(50, uint16(200), shortString("bye"), uint32(0));

export const closeOk = (): Buffer => methodFrame(51);
