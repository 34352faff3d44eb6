import { type BsonDocument, type BsonFields, decodeBson, encodeBson, NotBson } from "./bson.ts";
import type { Conversation } from "./conversation.ts";

/** Header, flags, and the kind of the one section: MongoDB manual, "MongoDB Wire Protocol", OP_MSG. */
const headLength = 16 + 4 + 1;
const emptyDocument = 5;
const opMsg = 2013;

/** Only one question is open at a time. */
const requestId = 1;

/** Answers to a handshake are much shorter. A text is told by its third byte, which makes for more. */
const maxLength = 65_535;

/**
 * Sends a command with its database (`$db`), and takes the answer, be it an error.
 * @throws Failure as Conversation does
 */
export async function ask(conversation: Conversation, command: BsonFields): Promise<BsonDocument> {
  conversation.write(messageWith(command));
  const message = await conversation.readWhen((bytes) => {
    const length = lengthIn(bytes);
    if (length === "foreign") throw conversation.foreign();
    return length;
  });
  try {
    return documentIn(message);
  } catch (error) {
    if (!(error instanceof NotBson)) throw error;
    throw conversation.foreign();
  }
}

function messageWith(command: BsonFields): Buffer {
  const body = encodeBson(command);
  const head = Buffer.alloc(headLength);
  head.writeInt32LE(head.length + body.length, 0);
  head.writeInt32LE(requestId, 4);
  head.writeInt32LE(opMsg, 12);
  return Buffer.concat([head, body]);
}

/** Fields of an answer's header: to which request, and the opcode. */
const expected = Buffer.from([requestId, 0, 0, 0, opMsg & 0xff, opMsg >> 8, 0, 0]);

/** The length of the message that begins so: undefined while it is open, `foreign` at the first wrong byte. */
export function lengthIn(bytes: Buffer): number | "foreign" | undefined {
  const start = Buffer.concat([bytes.subarray(0, 4), Buffer.alloc(4)]);
  const length = start.readUInt32LE();
  const isWhole = bytes.length >= 4;
  if (length > maxLength || (isWhole && length < headLength + emptyDocument)) return "foreign";
  const rest = bytes.subarray(8, 16);
  if (!rest.equals(expected.subarray(0, rest.length))) return "foreign";
  return isWhole ? length : undefined;
}

/** @throws NotBson */
function documentIn(message: Buffer): BsonDocument {
  const hasChecksum = (message.readUInt32LE(16) & 1) === 1;
  const isBody = message[headLength - 1] === 0;
  if (!isBody) throw new NotBson();
  return decodeBson(message.subarray(headLength, hasChecksum ? -4 : undefined));
}
