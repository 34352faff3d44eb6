import type { Conversation } from "./conversation.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the server answers `PING`, be it by asking for a password; with a password in the URL when it lets us in,
 * and with a database when that may be selected (RESP2, the Redis serialization protocol).
 */
export async function probe(asking: Asking): Promise<void> {
  const { user, password, path, parameters } = asking.target;
  const database = path || (parameters.get("db") ?? "");
  await converse(asking, async (conversation) => {
    if (password !== undefined) await logIn(conversation, user, password);
    await ping(conversation, password !== undefined);
    if (database !== "" && password !== undefined) await select(conversation, database);
    conversation.write(command("QUIT"));
  });
}

/** An array of bulk strings. */
function command(...words: readonly string[]): string {
  const bulk = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${bulk.join("")}`;
}

interface Reply {
  /** The first word of an error, `OK` or `PONG`. */
  readonly word: string;
  readonly text: string;
  readonly isError: boolean;
}

async function ask(conversation: Conversation, ...words: readonly string[]): Promise<Reply> {
  conversation.write(command(...words));
  const line = await conversation.readLine(/[+-]/);
  const text = line.slice(1);
  return { isError: line.startsWith("-"), word: text.split(" ", 1)[0]!, text };
}

/** Before Redis 6 there are no users, and `default` is who the password alone stands for. */
async function logIn(conversation: Conversation, user: string | undefined, password: string): Promise<void> {
  const reply = await ask(conversation, "AUTH", ...(user === undefined ? [] : [user]), password);
  if (!reply.isError || isWithoutPassword(reply)) return;
  if (notYet.has(reply.word)) throw busy(conversation, reply);
  throw conversation.refused(reply.text, {
    kind: `redis:${reply.word}`,
    hint: "check the user and the password in the URL; a user needs Redis 6",
  });
}

/** A server that wants no password lets everybody in. */
const isWithoutPassword = ({ text }: Reply): boolean =>
  /without any password configured|no password is set/.test(text);

async function ping(conversation: Conversation, isLoggedIn: boolean): Promise<void> {
  const reply = await ask(conversation, "PING");
  if (!reply.isError || (reply.word === "NOAUTH" && !isLoggedIn)) return;
  if (reply.word === "NOPERM") return;
  throw busy(conversation, reply);
}

async function select(conversation: Conversation, database: string): Promise<void> {
  const reply = await ask(conversation, "SELECT", database);
  if (!reply.isError) return;
  if (notYet.has(reply.word)) throw busy(conversation, reply);
  throw conversation.refused(reply.text, {
    kind: "redis:database",
    hint: "check the number of the database in the URL, and databases in the configuration of the server",
  });
}

/** Errors of a server that will be ready later, each its first word. */
const notYet: ReadonlySet<string> = new Set(["LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"]);

const busy = (conversation: Conversation, { word, text }: Reply) =>
  conversation.notReady(text, {
    kind: `redis:${word}`,
    hint: "the server is loading its data, busy or cut off from its master; if that lasts, look at its log",
  });
