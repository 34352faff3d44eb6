import { Failure } from "../failure.ts";
import type { Conversation } from "./conversation.ts";
import { readLineOf } from "./expected.ts";
import { askInBinary } from "./memcached-binary.ts";
import { type Asking, converse } from "./server.ts";
import type { ServerTarget } from "./server-target.ts";

/**
 * Ready when the server tells its version or asks for a login; with a password in the URL when it lets us in (memcached,
 * doc/protocol.txt). A server that wants SASL speaks the binary protocol only, and hangs up on text.
 */
export async function probe(asking: Asking): Promise<void> {
  try {
    await converse(asking, (conversation) => askInText(conversation, asking.target));
  } catch (error) {
    const isHungUp = error instanceof Failure && error.kind === "reset";
    if (!isHungUp) throw error;
    await converse(asking, (conversation) => askInBinary(conversation, asking.target));
  }
}

/** Only a server that wants a login gets the password: any other would store it, for everybody to read. */
async function askInText(conversation: Conversation, { user = "", password }: ServerTarget): Promise<void> {
  const isOpen = await askVersion(conversation);
  if (!isOpen && password !== undefined) await logIn(conversation, user, password);
  conversation.write("quit\r\n");
}

/** As long as a header of the binary protocol: a server that speaks only that one looks at nothing shorter. */
const askForVersion = `${"version".padEnd(22)}\r\n`;

/** @returns whether the server answers everybody, without a login */
async function askVersion(conversation: Conversation): Promise<boolean> {
  conversation.write(askForVersion);
  const answer = await readLineOf(conversation, ["VERSION ", ...errors]);
  if (answer.startsWith("VERSION")) return true;
  if (answer === "CLIENT_ERROR unauthenticated") return false;
  throw broken(conversation, answer);
}

const errors = ["ERROR", "CLIENT_ERROR ", "SERVER_ERROR "];

/** The login has the form of storing a value, whose key, flags and time do not matter. */
async function logIn(conversation: Conversation, user: string, password: string): Promise<void> {
  const value = `${user} ${password}`;
  conversation.write(`set initkit 0 0 ${Buffer.byteLength(value)}\r\n${value}\r\n`);
  const answer = await readLineOf(conversation, ["STORED", ...errors]);
  if (answer === "STORED") return;
  if (!answer.startsWith("CLIENT_ERROR")) throw broken(conversation, answer);
  throw conversation.refused(answer, {
    kind: "memcached:authentication",
    hint: "check the user and the password in the URL against the auth file of the server",
  });
}

const broken = (conversation: Conversation, answer: string) =>
  conversation.notReady(answer, {
    kind: "memcached:error",
    hint: "the server runs but does not do its work: look at its log, its memory and its limit of connections",
  });
