/** What a client begins with: the protocol's name, and 0-9-1 (section 4.2.2 of the AMQP 0-9-1 specification). */
export const protocolHeader: Buffer = Buffer.from("AMQP\0\0\x09\x01", "latin1");

const headerLength = protocolHeader.length;
const name = protocolHeader.subarray(0, 4);

/** Type, channel and size stand before the payload of a frame, and a fixed byte after it. */
const frameStart = 7;
const frameEnd = 0xce;
const maxPayload = 1024 * 1024;
const types = { method: 1, heartbeat: 8 };

/** A method of the class `connection`, whose frames go over channel 0. */
export function methodFrame(method: number, ...fields: readonly Buffer[]): Buffer {
  const payload = Buffer.concat([uint16(connectionClass), uint16(method), ...fields]);
  return Buffer.concat([
    Buffer.from([types.method, 0, 0]),
    uint32(payload.length),
    payload,
    Buffer.from([frameEnd]),
  ]);
}

const connectionClass = 10;

export function uint16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeUInt16BE(value);
  return bytes;
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/**
 * How long the frame or the protocol header is that the bytes begin with: undefined while too few are there to say,
 * `foreign` as soon as they are neither.
 */
export function lengthIn(bytes: Buffer): number | "foreign" | undefined {
  if (bytes.length === 0) return undefined;
  return bytes[0] === name[0] ? lengthOfHeader(bytes) : lengthOfFrame(bytes);
}

function lengthOfHeader(bytes: Buffer): number | "foreign" {
  const start = bytes.subarray(0, name.length);
  return name.subarray(0, start.length).equals(start) ? headerLength : "foreign";
}

function lengthOfFrame(bytes: Buffer): number | "foreign" | undefined {
  const [type, ...channel] = bytes.subarray(0, 3);
  const isKnown = type === types.method || type === types.heartbeat;
  if (!isKnown || channel.some((byte) => byte !== 0)) return "foreign";
  if (bytes.length < frameStart) return undefined;
  const payload = bytes.readUInt32BE(3);
  const length = frameStart + payload + 1;
  if (payload > maxPayload || (bytes.length >= length && bytes[length - 1] !== frameEnd)) return "foreign";
  return length;
}

/** A method of the class `connection`, its fields not yet read. */
export interface Method {
  readonly method: number;
  readonly fields: Buffer;
}

/** What a whole frame or protocol header says; undefined where it makes no sense. */
export function contentOf(bytes: Buffer): Method | "heartbeat" | { readonly version: string } | undefined {
  if (bytes[0] === name[0]) return { version: versionIn(bytes) };
  if (bytes[0] === types.heartbeat) return "heartbeat";
  const payload = bytes.subarray(frameStart, -1);
  if (payload.length < 4 || payload.readUInt16BE(0) !== connectionClass) return undefined;
  return { method: payload.readUInt16BE(2), fields: payload.subarray(4) };
}

/** After the name stand an identifier and three numbers; up to 0-10 there were two instead, after a 1 and a 1. */
function versionIn(header: Buffer): string {
  const [identifier, ...numbers] = header.subarray(name.length);
  return identifier === 1 ? numbers.slice(1).join("-") : numbers.join("-");
}
