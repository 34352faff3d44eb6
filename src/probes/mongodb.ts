import { quote } from "../format.ts";
import type { BsonDocument, BsonFields } from "./bson.ts";
import type { Conversation } from "./conversation.ts";
import { errorIn, type ServerError, textIn } from "./mongodb-answer.ts";
import { logIn } from "./mongodb-login.ts";
import { type Credentials, settingsOf } from "./mongodb-settings.ts";
import { type Lookup, serversOf, txtOptions } from "./mongodb-srv.ts";
import { ask } from "./mongodb-wire.ts";
import { type Asking, converse } from "./server.ts";
import type { Server, ServerTarget } from "./server-target.ts";

/** How to look up names, for tests. */
export type Resolving = Omit<Lookup, "signal">;

/** The servers behind `mongodb+srv`. */
export async function findServers(
  target: ServerTarget,
  signal: AbortSignal,
  resolving: Resolving = {},
): Promise<readonly Server[]> {
  return await serversOf(target, { ...resolving, signal });
}

/**
 * Ready when the server says that it takes reads: alone, as a primary or secondary, or in front of shards; with a
 * password in the URL when it lets us in (MongoDB Wire Protocol, OP_MSG: servers from 3.6 on).
 */
export async function probe(asking: Asking, resolving: Resolving = {}): Promise<void> {
  const { target, signal } = asking;
  const settings = settingsOf(target, await txtOptions(target, { ...resolving, signal }));
  const tls = settings.isInsecure ? { ...asking.tls, insecure: true } : asking.tls;
  await converse({ ...asking, tls }, async (conversation) => {
    const greeting = await greet(conversation, settings.credentials);
    checkState(conversation, greeting);
    checkSetName(conversation, textIn(greeting, "setName"), settings.replicaSet);
    if (settings.credentials) await logIn(conversation, settings.credentials, greeting);
  });
}

/** Servers before 4.4.2 do not know the command by its present name. */
async function greet(
  conversation: Conversation,
  credentials: Credentials | undefined,
): Promise<BsonDocument> {
  const rest = { helloOk: true, ...mechanismsOf(credentials), $db: "admin" };
  const greeting = await ask(conversation, { hello: 1, ...rest });
  if (errorIn(greeting)?.code !== commandNotFound) return greeting;
  return await ask(conversation, { isMaster: 1, ...rest });
}

const commandNotFound = 59;

const mechanismsOf = (credentials: Credentials | undefined): BsonFields =>
  credentials ? { saslSupportedMechs: `${credentials.source}.${credentials.user}` } : {};

function checkState(conversation: Conversation, greeting: BsonDocument): void {
  const error = errorIn(greeting);
  if (error) throw notNow(conversation, error);
  const is = (name: string) => greeting.get(name) === true;
  if (is("isWritablePrimary") || is("ismaster") || is("secondary")) return;
  if (is("isreplicaset")) throw uninitialized(conversation, textIn(greeting, "info"));
  if (is("arbiterOnly")) throw arbiter(conversation);
  const set = textIn(greeting, "setName");
  if (set !== undefined) throw recovering(conversation, set);
}

const notNow = (conversation: Conversation, { code, text }: ServerError) =>
  conversation.notReady(text, {
    kind: `mongodb:${code}`,
    hint: "the server is starting, stopping or recovering; if that lasts, look at its log",
  });

const uninitialized = (conversation: Conversation, info = "it is in no replica set yet") =>
  conversation.notReady(`its replica set is not initialized: ${quote(info)}`, {
    kind: "mongodb:state",
    hint: "rs.initiate() has to run once: look at the operator or Job that does it; a member that restarts says this until it has reached the others",
  });

const arbiter = (conversation: Conversation) =>
  conversation.notReady("it is an arbiter, which has no data", {
    kind: "mongodb:state",
    hint: "name the other members of the replica set in the URL",
  });

const recovering = (conversation: Conversation, set: string) =>
  conversation.notReady(`it is neither primary nor secondary in its replica set ${quote(set)}`, {
    kind: "mongodb:state",
    hint: "it is starting up, copying the data or recovering, or it was removed from the set: rs.status() on another member tells which",
  });

function checkSetName(
  conversation: Conversation,
  actual: string | undefined,
  wanted: string | undefined,
): void {
  if (wanted === undefined || wanted === actual) return;
  const says = actual === undefined ? "it is in no replica set" : `its replica set is ${quote(actual)}`;
  throw conversation.notReady(`${says}, and the URL wants ${quote(wanted)}`, {
    kind: "mongodb:set-name",
    hint: "check replicaSet in the URL, and that the host is a member of that set",
  });
}
