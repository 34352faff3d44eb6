/** A value of BSON: of the types that MongoDB's answers to a handshake have. Timestamps are bigints, ids are bytes. */
type BsonValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | Date
  | Buffer
  | readonly BsonValue[]
  | ReadonlyMap<string, BsonValue>;

export type BsonDocument = ReadonlyMap<string, BsonValue>;

/** What a command consists of, in the order of its fields. Numbers are whole, of 32 bits. */
export interface BsonFields {
  readonly [name: string]: string | number | boolean | Uint8Array | BsonFields;
}

/** The bytes are no document, or hold a type that no answer to a handshake has. */
export class NotBson extends Error {}

/** Types of elements (bsonspec.org, version 1.1). */
const types = {
  double: 0x01,
  string: 0x02,
  document: 0x03,
  array: 0x04,
  binary: 0x05,
  objectId: 0x07,
  boolean: 0x08,
  date: 0x09,
  null: 0x0a,
  int32: 0x10,
  timestamp: 0x11,
  int64: 0x12,
} as const;

export function encodeBson(fields: BsonFields): Buffer {
  const elements = Object.entries(fields).map(([name, value]) => element(name, value));
  return sized(Buffer.concat([...elements, Buffer.alloc(1)]), 4);
}

function element(name: string, value: BsonFields[string]): Buffer {
  const [type, content] = encoded(value);
  return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), content]);
}

function encoded(value: BsonFields[string]): [type: number, content: Buffer] {
  if (typeof value === "string") return [types.string, sized(Buffer.from(`${value}\0`))];
  if (typeof value === "number") return [types.int32, int32(value)];
  if (typeof value === "boolean") return [types.boolean, Buffer.from([Number(value)])];
  if (value instanceof Uint8Array) return [types.binary, binary(value)];
  return [types.document, encodeBson(value)];
}

/** With the length before it, in which `own` more bytes count. */
const sized = (content: Buffer, own = 0): Buffer => Buffer.concat([int32(content.length + own), content]);

/** Of the generic subtype. */
const binary = (bytes: Uint8Array): Buffer => Buffer.concat([int32(bytes.length), Buffer.alloc(1), bytes]);

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

/**
 * Reads one document that fills the bytes. Of two fields of one name the last counts.
 * @throws NotBson
 */
export function decodeBson(bytes: Buffer): BsonDocument {
  const reader = new Reader(bytes);
  const document = documentAt(reader, 0);
  if (reader.left > 0) throw new NotBson();
  return document;
}

/** Takes values off the front of bytes. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  take(length: number): Buffer {
    if (length < 0 || length > this.left) throw new NotBson();
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  byte(): number {
    return this.take(1)[0]!;
  }

  int32(): number {
    return this.take(4).readInt32LE();
  }

  /** Up to a NUL. */
  name(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const name = this.take(end - this.#at).toString("utf8");
    this.take(1);
    return name;
  }
}

/** Answers to a handshake are nested a few levels deep. */
const maxDepth = 32;

function documentAt(reader: Reader, depth: number): Map<string, BsonValue> {
  if (depth > maxDepth) throw new NotBson();
  const body = new Reader(reader.take(reader.int32() - 4));
  const fields = new Map<string, BsonValue>();
  for (let type = body.byte(); type !== 0; type = body.byte())
    fields.set(body.name(), valueAt(body, type, depth));
  if (body.left > 0) throw new NotBson();
  return fields;
}

function valueAt(reader: Reader, type: number, depth: number): BsonValue {
  switch (type) {
    case types.document:
      return documentAt(reader, depth + 1);
    case types.array:
      return [...documentAt(reader, depth + 1).values()];
    case types.string:
      return stringAt(reader);
    case types.binary:
      return binaryAt(reader);
    case types.objectId:
      return reader.take(12);
    case types.boolean:
      return reader.byte() !== 0;
    case types.null:
      return null;
    default:
      return numberAt(reader, type);
  }
}

function numberAt(reader: Reader, type: number): BsonValue {
  switch (type) {
    case types.double:
      return reader.take(8).readDoubleLE();
    case types.int32:
      return reader.int32();
    case types.int64:
      return reader.take(8).readBigInt64LE();
    case types.timestamp:
      return reader.take(8).readBigUInt64LE();
    case types.date:
      return new Date(Number(reader.take(8).readBigInt64LE()));
    default:
      throw new NotBson();
  }
}

function stringAt(reader: Reader): string {
  const bytes = reader.take(reader.int32());
  if (bytes.at(-1) !== 0) throw new NotBson();
  return bytes.toString("utf8", 0, bytes.length - 1);
}

function binaryAt(reader: Reader): Buffer {
  const length = reader.int32();
  reader.byte();
  return reader.take(length);
}
