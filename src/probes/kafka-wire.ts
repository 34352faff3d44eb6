/** The numbers of the requests, and the version of each that is spoken (Apache Kafka protocol guide). */
export const apis = {
  metadata: { key: 3, version: 1 },
  saslHandshake: { key: 17, version: 1 },
  apiVersions: { key: 18, version: 0 },
  saslAuthenticate: { key: 36, version: 0 },
} as const;

export type Api = (typeof apis)[keyof typeof apis];

/** One request is under way at a time, so they need no numbers of their own. */
const correlationId = 1;

/** No answer to such small questions is longer, in bytes. */
const maxAnswer = 1024 * 1024;

/** A request with header version 1. */
export function request({ key, version }: Api, ...fields: readonly Buffer[]): Buffer {
  const message = Buffer.concat([
    int16(key),
    int16(version),
    int32(correlationId),
    string("initkit"),
    ...fields,
  ]);
  return bytes(message);
}

function int16(value: number): Buffer {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
}

export function int32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
}

export function string(text: string): Buffer {
  const content = Buffer.from(text);
  return Buffer.concat([int16(content.length), content]);
}

/** Bytes after their length; a whole message looks the same. */
export const bytes = (content: Buffer): Buffer => Buffer.concat([int32(content.length), content]);

/** How long the answer at the start of these bytes is, undefined while they are too few to tell. */
export function answerLength(received: Buffer): number | "foreign" | undefined {
  // The first byte of a length below 16 MiB; other protocols start with a letter or a type.
  if (received.length > 0 && received[0] !== 0) return "foreign";
  if (received.length < answerHeader) return undefined;
  const length = received.readInt32BE(0);
  const isOurs = length >= 4 && length <= maxAnswer && received.readInt32BE(4) === correlationId;
  return isOurs ? 4 + length : "foreign";
}

/** Length and correlation id. */
export const answerHeader = 8;

/** What `read` makes of an answer without its header, undefined where it is cut off. */
export function decoded<T>(body: Buffer, read: (body: Reader) => T): T | undefined {
  try {
    return read(new Reader(body));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Reads the types of the protocol, one after the other. Each throws a RangeError where the bytes end too early. */
export class Reader {
  readonly #body: Buffer;
  #position = 0;

  constructor(body: Buffer) {
    this.#body = body;
  }

  int16(): number {
    this.#position += 2;
    return this.#body.readInt16BE(this.#position - 2);
  }

  int32(): number {
    this.#position += 4;
    return this.#body.readInt32BE(this.#position - 4);
  }

  /** Null, which has the length -1, is read as an empty string. */
  string(): string {
    const start = this.#position + 2;
    this.#position = start + Math.max(0, this.int16());
    if (this.#position > this.#body.length) throw new RangeError("a string is cut off");
    return this.#body.toString("utf8", start, this.#position);
  }

  /** Null, which has the length -1, is read as an empty array. */
  array<T>(item: () => T): T[] {
    const items: T[] = [];
    for (let left = this.int32(); left > 0; left--) items.push(item());
    return items;
  }
}
