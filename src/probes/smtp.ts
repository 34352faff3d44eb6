import { isIPv6 } from "node:net";
import type { Failure } from "../failure.ts";
import type { Conversation } from "./conversation.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the server greets with 220 (RFC 5321); with a password in the URL when it lets us in (RFC 4954), over TLS
 * where it offers that (RFC 3207).
 */
export async function probe(asking: Asking): Promise<void> {
  const { user = "", password, tls } = asking.target;
  await converse(asking, async (conversation, secure) => {
    expect(conversation, await readReply(conversation), 220);
    if (password !== undefined) {
      const offers = await hello(conversation, tls ? undefined : secure);
      await logIn(conversation, offers, { user, password });
    }
    expect(conversation, await ask(conversation, "QUIT"), 221);
  });
}

interface Reply {
  readonly code: number;
  /** What stands after the code in each line. */
  readonly lines: readonly string[];
}

async function ask(conversation: Conversation, line: string): Promise<Reply> {
  conversation.write(`${line}\r\n`);
  return readReply(conversation);
}

/** More lines than any server answers with. */
const maxLines = 1000;

/** A hyphen after the code says that another line follows. */
async function readReply(conversation: Conversation): Promise<Reply> {
  const lines: string[] = [];
  while (lines.length < maxLines) {
    const line = await conversation.readLine(/[2-5]/);
    const [, code, mark, text] = /^([2-5][0-9]{2})(?:([ -])(.*))?$/.exec(line) ?? [];
    if (code === undefined) break;
    lines.push(text ?? "");
    if (mark !== "-") return { code: Number(code), lines };
  }
  throw conversation.foreign();
}

/** What the server can do, word by word. With a way to secure the connection it does so first, where that is offered. */
async function hello(
  conversation: Conversation,
  secure?: () => Promise<void>,
): Promise<readonly (readonly string[])[]> {
  const reply = await ask(conversation, `EHLO ${addressOf(conversation)}`);
  expect(conversation, reply, 250);
  const offers = reply.lines.slice(1).map((line) => line.toUpperCase().split(/[ =]/));
  if (!secure || !offers.some(([keyword]) => keyword === "STARTTLS")) return offers;
  expect(conversation, await ask(conversation, "STARTTLS"), 220);
  await secure();
  return hello(conversation);
}

/** A pod has no name that another host could look up; an address literal needs none (RFC 5321, section 4.1.4). */
function addressOf({ socket }: Conversation): string {
  const { localAddress: address = "127.0.0.1" } = socket;
  return `[${isIPv6(address) ? "IPv6:" : ""}${address}]`;
}

interface Credentials {
  readonly user: string;
  readonly password: string;
}

async function logIn(
  conversation: Conversation,
  offers: readonly (readonly string[])[],
  credentials: Credentials,
): Promise<void> {
  const mechanisms = offers.flatMap(([keyword, ...rest]) => (keyword === "AUTH" ? rest : []));
  const mechanism = ["PLAIN", "LOGIN"].find((name) => mechanisms.includes(name));
  if (mechanism === undefined) throw takesNoPassword(conversation);
  const say = mechanism === "PLAIN" ? plain : login;
  const reply = await say(conversation, credentials);
  if (reply.code >= 500) throw refused(conversation, reply);
  expect(conversation, reply, 235);
}

const plain = (conversation: Conversation, { user, password }: Credentials): Promise<Reply> =>
  ask(conversation, `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`);

/** Asks for the user, then for the password; never standardized, and all that some servers offer. */
async function login(conversation: Conversation, { user, password }: Credentials): Promise<Reply> {
  let reply = await ask(conversation, "AUTH LOGIN");
  for (const answer of [user, password]) {
    if (reply.code !== 334) return reply;
    reply = await ask(conversation, base64(answer));
  }
  return reply;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

function expect(conversation: Conversation, reply: Reply, code: number): void {
  if (reply.code === code) return;
  leave(conversation);
  throw conversation.notReady(said(reply), {
    kind: `smtp:${reply.code}`,
    hint: "the server is starting, overloaded or takes no mail from here; if that lasts, look at its log",
  });
}

function refused(conversation: Conversation, reply: Reply): Failure {
  leave(conversation);
  return conversation.refused(said(reply), {
    kind: `smtp:${reply.code}`,
    hint: "check the user and the password in the URL, and that the server lets this user in with a password",
  });
}

function takesNoPassword(conversation: Conversation): Failure {
  leave(conversation);
  return conversation.refused("it takes no password here: it offers neither AUTH PLAIN nor AUTH LOGIN", {
    kind: "smtp:mechanism",
    hint: "write the URL without a password, with smtps://, or with the port for submission (587)",
  });
}

/** Also a server that refuses waits for these words (RFC 5321, section 3.1). */
const leave = (conversation: Conversation): void => conversation.write("QUIT\r\n");

const said = ({ code, lines }: Reply): string => `${code} ${lines.join(" / ")}`;
