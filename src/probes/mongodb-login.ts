import { createHash } from "node:crypto";
import { saslPrep } from "../net/saslprep.ts";
import { Scram, type ScramHash } from "../net/scram.ts";
import type { BsonDocument } from "./bson.ts";
import type { Conversation } from "./conversation.ts";
import { errorIn, type ServerError } from "./mongodb-answer.ts";
import type { Credentials } from "./mongodb-settings.ts";
import { ask } from "./mongodb-wire.ts";

const mechanisms: ReadonlyMap<string, ScramHash> = new Map([
  ["SCRAM-SHA-1", "sha1"],
  ["SCRAM-SHA-256", "sha256"],
]);

/**
 * Logs in by SCRAM ("Driver Authentication" in the specifications of MongoDB's drivers).
 * @param greeting the answer to `hello`, which tells the mechanisms that the user has
 * @throws Failure `refused`; `not-ready`, of kind `mongodb:scram` where the server does not show that it knows the password
 */
export async function logIn(
  conversation: Conversation,
  credentials: Credentials,
  greeting: BsonDocument,
): Promise<void> {
  const mechanism = credentials.mechanism ?? agreedOn(greeting);
  const hash = mechanisms.get(mechanism) ?? unknown(conversation);
  const { user, source } = credentials;
  const scram = new Scram({ hash, user, password: passwordFor(conversation, hash, credentials) });
  const session = new SaslSession(conversation, source);
  const challenge = await session.start(mechanism, scram.firstMessage);
  const proof = (await scram.finalMessage(challenge)) ?? untrue(conversation);
  if (!scram.accepts(await session.next(proof))) untrue(conversation);
  // Servers before 4.4 wait for an empty message before they are done.
  if (!session.isDone) await session.next("");
}

/** Without a word of the server it is one of the old times, or does not know the user. */
function agreedOn(greeting: BsonDocument): string {
  const offered = greeting.get("saslSupportedMechs");
  return Array.isArray(offered) && offered.includes("SCRAM-SHA-256") ? "SCRAM-SHA-256" : "SCRAM-SHA-1";
}

/** The older mechanism is not about the password but about the digest that MongoDB stored before. */
function passwordFor(conversation: Conversation, hash: ScramHash, { user, password }: Credentials): string {
  if (hash === "sha1") return createHash("md5").update(`${user}:mongo:${password}`).digest("hex");
  return saslPrep(password) ?? unusable(conversation);
}

/** The messages of one login. */
class SaslSession {
  readonly #conversation: Conversation;
  readonly #source: string;
  #id = 0;
  isDone = false;

  constructor(conversation: Conversation, source: string) {
    this.#conversation = conversation;
    this.#source = source;
  }

  async start(mechanism: string, message: string): Promise<string> {
    const options = { skipEmptyExchange: true };
    return await this.#send({ saslStart: 1, mechanism, ...payloadOf(message), options });
  }

  async next(message: string): Promise<string> {
    return await this.#send({ saslContinue: 1, conversationId: this.#id, ...payloadOf(message) });
  }

  async #send(command: Parameters<typeof ask>[1]): Promise<string> {
    const answer = await ask(this.#conversation, { ...command, $db: this.#source });
    const error = errorIn(answer);
    if (error) throw failed(this.#conversation, error);
    const [id, payload] = [answer.get("conversationId"), answer.get("payload")];
    if (typeof id !== "number" || !Buffer.isBuffer(payload)) throw this.#conversation.foreign();
    this.#id = id;
    this.isDone = answer.get("done") === true;
    return payload.toString("utf8");
  }
}

const payloadOf = (message: string) => ({ payload: Buffer.from(message) });

function failed(conversation: Conversation, { code, text }: ServerError): unknown {
  const kind = `mongodb:${code}`;
  if (isRefusal({ code, text })) return conversation.refused(text, { kind, hint: checkCredentials });
  return conversation.notReady(text, {
    kind,
    hint: "the server cannot check passwords now; if that lasts, look at its log",
  });
}

const checkCredentials =
  "check the user and the password, and authSource, the database that the user was created in (without it, the database in the URL)";

/** UserNotFound, AuthenticationFailed, MechanismUnavailable; and Atlas, which has one code for all errors. */
const isRefusal = ({ code, text }: ServerError): boolean =>
  [11, 18, 334].includes(code) || (code === 8000 && /auth/i.test(text));

function unknown(conversation: Conversation): never {
  throw conversation.refused("the URL has an authMechanism that wait-for does not know", {
    kind: "mongodb:mechanism",
    hint: "SCRAM-SHA-256 and SCRAM-SHA-1 log in; for any other leave the user and the password out",
  });
}

function unusable(conversation: Conversation): never {
  throw conversation.refused("the password has a character that SCRAM-SHA-256 prohibits", {
    kind: "mongodb:password",
    hint: "look for a line break or another control character, at its end too",
  });
}

function untrue(conversation: Conversation): never {
  throw conversation.notReady("the server did not show that it knows the password", {
    kind: "mongodb:scram",
    hint: "something may pose as the server: check the host and port, and what is in between",
  });
}
