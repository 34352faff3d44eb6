import type { Conversation } from "./conversation.ts";
import type { ServerTarget } from "./server-target.ts";

/**
 * Asks for the version, and with a password in the URL logs in by SASL PLAIN (memcached's binary protocol, and RFC 4616).
 * @throws Failure `not-ready`, or `refused` for a wrong password
 */
export async function askInBinary(
  conversation: Conversation,
  { user = "", password }: ServerTarget,
): Promise<void> {
  const { status, text } = await ask(conversation, opcode.version);
  if (status !== success) throw broken(conversation, text);
  if (password !== undefined) await logIn(conversation, user, password);
  conversation.write(request(opcode.quit));
}

async function logIn(conversation: Conversation, user: string, password: string): Promise<void> {
  const { status, text } = await ask(conversation, opcode.saslAuth, "PLAIN", `\0${user}\0${password}`);
  // A server that does not know logins lets everybody in.
  if (status === success || status === unknownCommand) return;
  if (status !== authenticationError) throw broken(conversation, text);
  throw conversation.refused(text, {
    kind: "memcached:authentication",
    hint: "check the user and the password in the URL against the SASL database of the server",
  });
}

const opcode = { quit: 0x07, version: 0x0b, saslAuth: 0x21 };

const success = 0x00;
const authenticationError = 0x20;
const unknownCommand = 0x81;

const headerLength = 24;
const requestMagic = 0x80;
const responseMagic = 0x81;

/** No text that a server answers with is longer, in bytes. */
const maxText = 4096;

function request(operation: number, key = "", value = ""): Buffer {
  const header = Buffer.alloc(headerLength);
  const body = Buffer.from(key + value);
  header.writeUInt8(requestMagic, 0);
  header.writeUInt8(operation, 1);
  header.writeUInt16BE(Buffer.byteLength(key), 2);
  header.writeUInt32BE(body.length, 8);
  return Buffer.concat([header, body]);
}

interface Response {
  readonly status: number;
  readonly text: string;
}

async function ask(
  conversation: Conversation,
  operation: number,
  key?: string,
  value?: string,
): Promise<Response> {
  conversation.write(request(operation, key, value));
  const header = await conversation.readWhen((bytes) => {
    if (bytes.length > 0 && bytes[0] !== responseMagic) throw conversation.foreign();
    return headerLength;
  });
  const length = header.readUInt32BE(8);
  if (header[1] !== operation || length > maxText) throw conversation.foreign();
  const body = await conversation.read(length);
  return { status: header.readUInt16BE(6), text: body.toString() };
}

const broken = (conversation: Conversation, text: string) =>
  conversation.notReady(text, {
    kind: "memcached:error",
    hint: "the server runs but does not do its work: look at its log, its memory and its limit of connections",
  });
