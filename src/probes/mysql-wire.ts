/** Capability flags (MySQL source documentation, "Capabilities Flags"). */
const flag = {
  longPassword: 1,
  connectWithDatabase: 8,
  protocol41: 0x200,
  ssl: 0x800,
  transactions: 0x2000,
  secureConnection: 0x8000,
  pluginAuth: 0x8_0000,
};

/** Every packet begins with its length (3 bytes) and its number (1 byte). */
const headLength = 4;

/**
 * How long the first packet in these bytes is, with its head; undefined while that is not known, or `foreign` where
 * it is none of a login, which are all shorter than 64 KiB (MySQL source documentation, "MySQL Packets").
 */
export function packetLength(bytes: Buffer): number | "foreign" | undefined {
  if (bytes.length > 2 && bytes[2] !== 0) return "foreign";
  if (bytes.length < headLength) return undefined;
  const length = bytes.readUIntLE(0, 3);
  return length === 0 ? "foreign" : headLength + length;
}

const isGreeting = 0x0a;
const isError = 0xff;

/** As `packetLength`, of the server's first packet: its greeting, or an error in the place of it. */
export function firstPacketLength(bytes: Buffer): number | "foreign" | undefined {
  const type = bytes[headLength];
  if (type !== undefined && type !== isGreeting && type !== isError) return "foreign";
  return packetLength(bytes);
}

/** The packet with its head. */
export function packet(number: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(headLength);
  head.writeUIntLE(payload.length, 0, 3);
  head.writeUInt8(number & 0xff, 3);
  return Buffer.concat([head, payload]);
}

export const quit: Buffer = packet(0, Buffer.from([1]));

/** What a login begins with (MySQL source documentation, "Protocol::HandshakeV10"). */
export interface Greeting {
  readonly offersTls: boolean;
  /** The plugin can be agreed on by name. */
  readonly namesPlugins: boolean;
  readonly plugin: string;
  /** 20 bytes that the proof of the password depends on. */
  readonly nonce: Buffer;
}

/** Undefined where these bytes are no greeting. */
export function greetingIn(payload: Buffer): Greeting | undefined {
  const versionEnd = payload.indexOf(0, 1);
  const rest = payload.subarray(versionEnd + 1);
  if (payload[0] !== isGreeting || versionEnd < 0 || rest.length < 43) return undefined;
  const capabilities = rest.readUInt16LE(13) + rest.readUInt16LE(18) * 0x1_0000;
  const namesPlugins = (capabilities & flag.pluginAuth) !== 0;
  const pluginStart = 31 + Math.max(13, rest[20]! - 8);
  return {
    offersTls: (capabilities & flag.ssl) !== 0,
    namesPlugins,
    plugin: namesPlugins ? textIn(rest.subarray(pluginStart)) : "mysql_native_password",
    nonce: Buffer.concat([rest.subarray(4, 12), rest.subarray(31, 43)]),
  };
}

/** Up to a NUL or the end. */
const textIn = (bytes: Buffer): string => bytes.toString("utf8").split("\0", 1)[0]!;

export interface ServerError {
  /** MySQL Error Message Reference: 1045. */
  readonly code: number;
  readonly message: string;
}

/** What the server says during a login (MySQL source documentation, "Connection Phase"). */
export type Reply =
  | { readonly type: "ok" }
  | { readonly type: "error"; readonly error: ServerError }
  | { readonly type: "switch"; readonly plugin: string; readonly nonce: Buffer }
  | { readonly type: "more"; readonly data: Buffer };

/** Undefined where these bytes are no such packet. */
export function replyIn(payload: Buffer): Reply | undefined {
  switch (payload[0]) {
    case 0x00:
      return { type: "ok" };
    case 0x01:
      return { type: "more", data: payload.subarray(1) };
    case 0xfe:
      return authSwitch(payload.subarray(1));
    case isError:
      return payload.length < 3 ? undefined : { type: "error", error: errorIn(payload) };
    default:
      return undefined;
  }
}

/** Without a name it is a request for the passwords from before MySQL 4.1. */
function authSwitch(body: Buffer): Reply {
  const plugin = textIn(body) || "mysql_old_password";
  const start = body.indexOf(0) + 1;
  return { type: "switch", plugin, nonce: body.subarray(start, start + 20) };
}

/** The SQLSTATE is not there in an error that comes before the login. */
function errorIn(payload: Buffer): ServerError {
  const message = payload.toString("utf8", 3).replace(/^#.{5}/s, "");
  return { code: payload.readUInt16LE(1), message };
}

export interface Login {
  readonly user: string;
  readonly database: string | undefined;
  readonly isEncrypted: boolean;
}

/**
 * Asks to go over to TLS ("Protocol::SSLRequest"): the start of a handshake response. Servers take the flags from here,
 * and not from the response that follows.
 */
export function sslRequest({ namesPlugins }: Greeting, { database, isEncrypted }: Login): Buffer {
  const flags =
    flag.longPassword |
    flag.protocol41 |
    flag.transactions |
    flag.secureConnection |
    (namesPlugins ? flag.pluginAuth : 0) |
    (database === undefined ? 0 : flag.connectWithDatabase) |
    (isEncrypted ? flag.ssl : 0);
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32LE(flags, 0);
  bytes.writeUInt32LE(maxPacket, 4);
  bytes.writeUInt8(utf8mb4, 8);
  return bytes;
}

const maxPacket = 0x100_0000;
const utf8mb4 = 45;

/**
 * Asks to log in ("Protocol::HandshakeResponse41").
 * @param answer to the greeting, of at most 255 bytes
 */
export function handshakeResponse(greeting: Greeting, login: Login, plugin: string, answer: Buffer): Buffer {
  const { user, database } = login;
  return Buffer.concat([
    sslRequest(greeting, login),
    Buffer.from(`${user}\0`),
    Buffer.from([answer.length]),
    answer,
    ...(database === undefined ? [] : [Buffer.from(`${database}\0`)]),
    ...(greeting.namesPlugins ? [Buffer.from(`${plugin}\0`)] : []),
  ]);
}
