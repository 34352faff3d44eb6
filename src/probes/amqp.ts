import type { Failure } from "../failure.ts";
import { contentOf, lengthIn, protocolHeader } from "./amqp-frames.ts";
import {
  close,
  closeOk,
  type Credentials,
  maxShortString,
  mechanismIn,
  open,
  readMethod,
  type ServerMethod,
  startOk,
  tuneOk,
} from "./amqp-methods.ts";
import type { Conversation } from "./conversation.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the server begins the handshake with `Connection.Start`; with a password in the URL when it lets us in and
 * opens the virtual host (AMQP 0-9-1, sections 2.2.4 and 4.2.2, and RabbitMQ's authentication_failure_close).
 */
export async function probe(asking: Asking): Promise<void> {
  const { user = "guest", password, path } = asking.target;
  // A virtual host with an empty name, which `amqp://h/` would mean to RabbitMQ's URI specification, exists nowhere,
  // and many clients take that slash for the usual one, as they take a URL without it.
  const virtualHost = path || "/";
  await converse(asking, async (conversation) => {
    conversation.write(protocolHeader);
    const { mechanisms } = await next(conversation, "start");
    // Before a login there is no goodbye: RabbitMQ 3 and 4 log Connection.Close as an error then, a second later, and
    // any other answer too. Hanging up is what they log least: that a connection has come, and a warning that it went.
    if (password === undefined) return;
    await logIn(conversation, mechanisms, { user, password });
    await openVirtualHost(conversation, virtualHost);
    conversation.write(close());
    await next(conversation, "close-ok");
  });
}

async function logIn(
  conversation: Conversation,
  mechanisms: readonly string[],
  credentials: Credentials,
): Promise<void> {
  const mechanism = mechanismIn(mechanisms);
  if (mechanism === undefined) throw takesNoPassword(conversation, mechanisms);
  conversation.write(startOk(mechanism, credentials));
  const { channelMax, frameMax } = await next(conversation, "tune");
  conversation.write(tuneOk(channelMax, frameMax));
}

async function openVirtualHost(conversation: Conversation, virtualHost: string): Promise<void> {
  if (Buffer.byteLength(virtualHost) > maxShortString) throw nameTooLong(conversation);
  conversation.write(open(virtualHost));
  await next(conversation, "open-ok");
}

type Named<Name extends ServerMethod["name"]> = Extract<ServerMethod, { readonly name: Name }>;

/**
 * The method that is due now.
 * @throws Failure that tells why the server closes the connection instead, or that it is no such server
 */
async function next<Name extends ServerMethod["name"]>(
  conversation: Conversation,
  name: Name,
): Promise<Named<Name>> {
  const method = await readNext(conversation);
  if (method.name === name) return method as Named<Name>;
  if (method.name !== "close") throw conversation.foreign();
  conversation.write(closeOk());
  throw closed(conversation, method);
}

async function readNext(conversation: Conversation): Promise<ServerMethod> {
  for (;;) {
    const content = contentOf(await readFrame(conversation));
    if (content === "heartbeat") continue;
    if (content !== undefined && "version" in content) throw otherVersion(conversation, content.version);
    const method = content && readMethod(content);
    if (method === undefined) throw conversation.foreign();
    return method;
  }
}

function readFrame(conversation: Conversation): Promise<Buffer> {
  return conversation.readWhen((bytes) => {
    const length = lengthIn(bytes);
    if (length === "foreign") throw conversation.foreign();
    return length;
  });
}

/** Why the server closes the connection. A limit that is reached is a 530 too, and passes. */
function closed(conversation: Conversation, { code, text }: Named<"close">): Failure {
  const kind = `amqp:${code}`;
  if (code === 403) return conversation.refused(text, { kind, hint: refusedLogin });
  if (code === 530 && !/\blimit\b/.test(text))
    return conversation.refused(text, { kind, hint: refusedVirtualHost });
  return conversation.notReady(text, { kind, hint: closesForAnotherReason });
}

const refusedLogin =
  "check the user and the password in the URL, and that the user may connect from another host, which guest may not";
const refusedVirtualHost =
  "check the virtual host in the URL (%2F for /), that it exists, and that the user has permissions in it";
const closesForAnotherReason =
  "the server is starting, stopping or at a limit of connections; if that lasts, look at its log";

const takesNoPassword = (conversation: Conversation, mechanisms: readonly string[]): Failure =>
  conversation.refused(`it takes no password, only ${mechanisms.join(", ")}`, {
    kind: "amqp:mechanism",
    hint: "write the URL without a password, or allow PLAIN in auth_mechanisms of the server",
  });

const nameTooLong = (conversation: Conversation): Failure =>
  conversation.refused(`the name of a virtual host has at most ${maxShortString} bytes`, {
    kind: "amqp:530",
    hint: refusedVirtualHost,
  });

const otherVersion = (conversation: Conversation, version: string): Failure =>
  conversation.notReady(`the server speaks AMQP ${version}, not 0-9-1`, {
    kind: "protocol",
    hint: "this asks for AMQP 0-9-1, as RabbitMQ speaks it; wait for a broker of another kind with tcp://host:port",
  });
