import { version } from "../version.ts";
import { closeGently } from "./close-gently.ts";
import type { Conversation } from "./conversation.ts";
import { readLineOf } from "./expected.ts";
import { infoIn, type NatsInfo } from "./nats-info.ts";
import { type Asking, converse } from "./server.ts";
import type { ServerTarget } from "./server-target.ts";

/**
 * Ready when the server introduces itself with `INFO` and takes us in, or would do so with a password; with credentials
 * in the URL when it lets us in (NATS client protocol). `tls://` wants TLS, after `INFO` as all NATS clients have it,
 * and before with `?handshake_first=true`, as that setting of the server is called.
 */
export async function probe(asking: Asking): Promise<void> {
  const { target } = asking;
  const credentials = credentialsOf(target);
  await converse(asking, async (conversation, secure) => {
    const info = await readInfo(conversation);
    const isTls = target.tls || target.alias === "tls" || info.tlsRequired;
    if (isTls && !target.tls) {
      if (!info.hasTls) throw withoutTls(conversation);
      await secure();
    }
    if (info.authRequired && !credentials) await leave(conversation);
    else await logIn(conversation, credentials, isTls);
  });
}

type Credentials = { user: string; pass: string } | { auth_token: string };

/** A user alone is a token, in the URLs of all NATS clients. */
function credentialsOf({ user, password }: ServerTarget): Credentials | undefined {
  if (password !== undefined) return { user: user ?? "", pass: password };
  return user === undefined ? undefined : { auth_token: user };
}

async function readInfo(conversation: Conversation): Promise<NatsInfo> {
  const line = await readLineOf(conversation, ["INFO ", error]);
  if (line.startsWith(error)) throw notYet(conversation, line);
  const info = infoIn(line);
  if (!info) throw conversation.foreign();
  if (info.isLeaving) throw leaving(conversation);
  await expectNoError(conversation);
  return info;
}

/** To ask for more without a password would be an error in the log of a server that wants one. */
async function leave(conversation: Conversation): Promise<void> {
  await closeGently(conversation.socket);
  await expectNoError(conversation);
}

/** A server that is full says so right behind `INFO`, before TLS and any login. */
async function expectNoError(conversation: Conversation): Promise<void> {
  const whatIsThere = await conversation.readWhen((bytes) => bytes.indexOf("\n") + 1);
  const line = whatIsThere.toString().trimEnd();
  if (line.startsWith(error)) throw notYet(conversation, line);
}

async function logIn(
  conversation: Conversation,
  credentials: Credentials | undefined,
  isTls: boolean,
): Promise<void> {
  const login = { ...about, tls_required: isTls, ...credentials };
  conversation.write(`CONNECT ${JSON.stringify(login)}\r\nPING\r\n`);
  const answer = await readAnswer(conversation);
  if (answer === "PONG") return;
  const isRefused = credentials !== undefined && /authorization violation/i.test(answer);
  throw isRefused ? refusal(conversation, answer) : notYet(conversation, answer);
}

const about = { verbose: false, pedantic: false, name: "initkit", lang: "node", version, protocol: 1 };

/** What the server says of itself, or asks, in between is no answer. */
async function readAnswer(conversation: Conversation): Promise<string> {
  for (;;) {
    const line = await readLineOf(conversation, ["PONG", error, "+OK", "INFO ", "PING"]);
    if (line === "PONG" || line.startsWith(error)) return line;
  }
}

const error = "-ERR ";

/** `-ERR 'Authorization Violation'`, without its first word and the quotes. */
const wordsIn = (line: string): string => line.slice(error.length).replace(/^'(.*)'$/, "$1");

const refusal = (conversation: Conversation, line: string) =>
  conversation.refused(wordsIn(line), {
    kind: kindOf(line),
    hint: "check the user and the password, or the token, in the URL; a server that wants an NKey or a JWT takes no password",
  });

const notYet = (conversation: Conversation, line: string) =>
  conversation.notReady(wordsIn(line), {
    kind: kindOf(line),
    hint: "the server runs but turns us away: look at its log, and at max_connections in its configuration",
  });

/** `nats:maximum-connections-exceeded` */
const kindOf = (line: string): string =>
  `nats:${wordsIn(line)
    .toLowerCase()
    .replaceAll(/[^a-z]+/g, "-")
    .slice(0, 60)}`;

const leaving = (conversation: Conversation) =>
  conversation.notReady("it is in lame duck mode", {
    kind: "nats:lame-duck",
    hint: "the server is shutting down and sends its clients to others: another pod should take its place soon",
  });

const withoutTls = (conversation: Conversation) =>
  conversation.notReady("it has no TLS", {
    kind: "nats:no-tls",
    hint: "write nats:// in the URL, or give the server a tls block in its configuration",
  });
