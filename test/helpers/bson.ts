export type Fields = { [name: string]: unknown };

/** BSON of what is needed here (bsonspec.org). A whole number is a double where its field is `ok`. */
export function serialize(fields: Fields | readonly unknown[]): Buffer {
  const elements = Object.entries(fields).map(([name, value]) => {
    const [type, content] = name === "ok" ? double(Number(value)) : serialized(value);
    return Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), content]);
  });
  const content = Buffer.concat(elements);
  return Buffer.concat([int32(content.length + 5), content, Buffer.from([0])]);
}

function serialized(value: unknown): [number, Buffer] {
  if (value === null) return [0x0a, Buffer.alloc(0)];
  if (typeof value === "boolean") return [0x08, Buffer.from([value ? 1 : 0])];
  if (typeof value === "bigint") return [0x12, int64(value)];
  if (typeof value === "number") return Number.isInteger(value) ? [0x10, int32(value)] : double(value);
  if (value instanceof Date) return [0x09, int64(BigInt(value.getTime()))];
  if (Array.isArray(value)) return [0x04, serialize(value)];
  if (Buffer.isBuffer(value) && value.length === 12) return [0x07, value];
  if (Buffer.isBuffer(value)) return [0x05, Buffer.concat([int32(value.length), Buffer.from([0]), value])];
  if (typeof value !== "string") return [0x03, serialize(value as Fields)];
  const text = Buffer.from(`${value}\0`);
  return [0x02, Buffer.concat([int32(text.length), text])];
}

function double(value: number): [number, Buffer] {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleLE(value);
  return [0x01, bytes];
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64LE(value);
  return bytes;
}

/** The document at the front of bytes; throws at what commands do not hold. */
export function parse(bytes: Buffer): Fields {
  const fields: Fields = {};
  const end = bytes.readInt32LE(0) - 1;
  let at = 4;
  while (at < end) {
    const type = bytes[at]!;
    const nameEnd = bytes.indexOf(0, at);
    const name = bytes.toString("utf8", at + 1, nameEnd);
    const [value, size] = parsed(type, bytes.subarray(nameEnd + 1));
    fields[name] = value;
    at = nameEnd + 1 + size;
  }
  return fields;
}

function parsed(type: number, bytes: Buffer): [value: unknown, size: number] {
  const length = bytes.length >= 4 ? bytes.readInt32LE(0) : 0;
  switch (type) {
    case 0x02:
      return [bytes.toString("utf8", 4, 3 + length), 4 + length];
    case 0x03:
    case 0x04:
      return [parse(bytes), length];
    case 0x05:
      return [Buffer.from(bytes.subarray(5, 5 + length)), 5 + length];
    case 0x08:
      return [bytes[0] === 1, 1];
    case 0x10:
      return [length, 4];
    default:
      throw new Error(`a command with a field of type ${type}`);
  }
}
