import type { Conversation } from "./conversation.ts";
import {
  errorName,
  errors,
  type Handshake,
  readAuthentication,
  readBrokerCount,
  readHandshake,
  readOffer,
} from "./kafka-answers.ts";
import * as wire from "./kafka-wire.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the broker knows of a broker that is registered, itself or another, or wants SASL before it tells; with a
 * password in the URL when it lets us in by SASL PLAIN (Apache Kafka protocol guide).
 */
export async function probe(asking: Asking): Promise<void> {
  const { user = "", password } = asking.target;
  await converse(asking, async (conversation) => {
    const offers = await findOffer(conversation);
    const login = offers(wire.apis.saslHandshake) ? await askForLogin(conversation) : undefined;
    // A listener that wants a login and gets another question logs a warning with a stack trace.
    if (login && password === undefined) return;
    if (login) await logIn(conversation, login, `\0${user}\0${password}`);
    await findBroker(conversation);
  });
}

/** Asks one question. */
async function ask<T>(
  conversation: Conversation,
  request: Buffer,
  read: (body: wire.Reader) => T,
): Promise<T> {
  conversation.write(request);
  const answer = await conversation.readWhen((received) => {
    const length = wire.answerLength(received);
    if (length === "foreign") throw conversation.foreign();
    return length;
  });
  const told = wire.decoded(answer.subarray(wire.answerHeader), read);
  if (told === undefined) throw conversation.foreign();
  return told;
}

/** Whether the broker understands a request. */
async function findOffer(conversation: Conversation): Promise<(api: wire.Api) => boolean> {
  const { error, offers } = await ask(conversation, wire.request(wire.apis.apiVersions), readOffer);
  if (error !== 0) throw unable(conversation, error);
  if (offers(wire.apis.metadata)) return offers;
  throw conversation.notReady("it does not tell of brokers (Metadata is not among its requests)", {
    kind: "kafka:controller",
    hint: "this is the listener of a KRaft controller, and applications talk to brokers: check the port; to wait for the controller itself use tcp:// instead",
  });
}

/** Asks to log in with PLAIN. Undefined where nobody has to, which a broker answers with an error that it does not log. */
async function askForLogin(conversation: Conversation): Promise<Handshake | undefined> {
  const request = wire.request(wire.apis.saslHandshake, wire.string("PLAIN"));
  const handshake = await ask(conversation, request, readHandshake);
  if (handshake.error === errors.illegalSaslState) return undefined;
  if (handshake.error === 0 || handshake.error === errors.unsupportedMechanism) return handshake;
  throw unable(conversation, handshake.error);
}

/** @param token as SASL PLAIN has it (RFC 4616) */
async function logIn(conversation: Conversation, handshake: Handshake, token: string): Promise<void> {
  if (handshake.error !== 0) throw unspoken(conversation, handshake);
  const request = wire.request(wire.apis.saslAuthenticate, wire.bytes(Buffer.from(token)));
  const { error, message } = await ask(conversation, request, readAuthentication);
  if (error === 0) return;
  if (error !== errors.authenticationFailed) throw unable(conversation, error);
  throw conversation.refused(message || "the login failed", {
    kind: `kafka:${errorName(error)}`,
    hint: "check the user and the password in the URL, and that the broker knows this user for SASL PLAIN",
  });
}

const unspoken = (conversation: Conversation, { error, mechanisms }: Handshake) =>
  conversation.refused(`it offers no SASL PLAIN, but ${mechanisms.join(", ") || "nothing"}`, {
    kind: `kafka:${errorName(error)}`,
    hint: "a password can only be checked with PLAIN: leave user and password out of the URL, and the broker is ready as soon as it asks for a login",
  });

/** A broker answers before it is registered with the controller; no one can produce or consume until then. */
async function findBroker(conversation: Conversation): Promise<void> {
  const noTopics = wire.int32(0);
  const count = await ask(conversation, wire.request(wire.apis.metadata, noTopics), readBrokerCount);
  if (count > 0) return;
  throw conversation.notReady("no broker is registered yet", {
    kind: "kafka:no-broker",
    hint: "the broker is starting, or cannot reach the controller quorum (or ZooKeeper); if that lasts, look at its log",
  });
}

const unable = (conversation: Conversation, error: number) =>
  conversation.notReady(`it answers with the error ${errorName(error)}`, {
    kind: `kafka:${errorName(error)}`,
    hint: "look at the log of the broker",
  });
