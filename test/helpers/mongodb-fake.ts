import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import { type Fields, parse, serialize } from "./bson.ts";
import { type Failed, fails } from "./wait.ts";
import { type Peer, type PeerOptions, startPeer } from "./peers.ts";

export interface MongoFake extends Peer {
  /** Every command, in order. */
  readonly commands: Fields[];
}

export interface MongoUser {
  readonly name: string;
  /** Prepared as the mechanism wants it. */
  readonly password: string;
  readonly source?: string;
  readonly mechanisms?: readonly string[];
}

export interface MongoOptions extends PeerOptions {
  /** What it says to `hello`, or to its old name. */
  readonly hello?: (command: Fields) => Fields;
  /** What it says to other commands before it thinks about them. */
  readonly answer?: (command: Fields) => Fields | undefined;
  readonly users?: readonly MongoUser[];
  readonly iterations?: number;
  /** Ends a login as servers before 4.4 do: with an empty message. */
  readonly isOld?: boolean;
  /** Shows that it knows another password. */
  readonly isImpostor?: boolean;
  /** Sends one byte at a time. */
  readonly drips?: boolean;
  /** Ends messages with a CRC-32C, which is not checked here. */
  readonly hasChecksums?: boolean;
  /** Makes of a connection what is spoken over: TLS. */
  readonly over?: (socket: Socket) => Socket;
}

/** What a server that is in no replica set says to `hello`. */
export const standalone: Fields = {
  isWritablePrimary: true,
  topologyVersion: { processId: Buffer.alloc(12, 7), counter: 3n },
  maxBsonObjectSize: 16_777_216,
  localTime: new Date(1_700_000_000_000),
  logicalSessionTimeoutMinutes: 30,
  maxWireVersion: 21,
  readOnly: false,
  ok: 1.0,
};

/** A server of MongoDB that can greet and log in (OP_MSG; SCRAM of RFC 5802 as in the specification of the drivers). */
export async function startMongo(options: MongoOptions = {}): Promise<MongoFake> {
  const commands: Fields[] = [];
  const peer = await startPeer((plain) => {
    const socket = options.over?.(plain) ?? plain;
    socket.on("error", () => {});
    const login = new Login(options);
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0));
        received = received.subarray(message.length);
        const command = parse(message.subarray(21));
        commands.push(command);
        send(socket, reply(message.readInt32LE(4), answerTo(command, login, options), options), options);
      }
    });
  }, options);
  return Object.assign(peer, { commands });
}

export const urlOf = ({ port }: Pick<Peer, "port">, userinfo = "", rest = ""): string =>
  `mongodb://${userinfo}127.0.0.1:${port}${rest}`;

/** Fails against a fake that behaves so. */
export async function failsAt(
  code: "not-ready" | "refused",
  options: MongoOptions,
  userinfo = "",
  rest = "",
): Promise<Failed> {
  await using fake = await startMongo(options);
  const failed = await fails(code, urlOf(fake, userinfo, rest));
  await fake.idle();
  return failed;
}

function send(socket: Socket, bytes: Buffer, { drips }: MongoOptions): void {
  if (!drips) return void socket.write(bytes);
  socket.setNoDelay();
  const next = (at: number): void => {
    if (at < bytes.length) socket.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
  };
  next(0);
}

function reply(requestId: number, answer: Fields, { hasChecksums = false }: MongoOptions): Buffer {
  const body = Buffer.concat([serialize(answer), Buffer.alloc(hasChecksums ? 4 : 0, 0xcc)]);
  const head = Buffer.alloc(21);
  head.writeInt32LE(21 + body.length, 0);
  head.writeInt32LE(4711, 4);
  head.writeInt32LE(requestId, 8);
  head.writeInt32LE(2013, 12);
  head.writeInt32LE(hasChecksums ? 1 : 0, 16);
  return Buffer.concat([head, body]);
}

function answerTo(command: Fields, login: Login, options: MongoOptions): Fields {
  if ("hello" in command || "isMaster" in command) {
    return { ...(options.hello?.(command) ?? standalone), ...login.mechanismsFor(command) };
  }
  const { answer } = options;
  return answer?.(command) ?? login.handle(command) ?? error(59, "CommandNotFound", "no such command");
}

export const error = (code: number, codeName: string, errmsg: string): Fields => ({
  ok: 0,
  errmsg,
  code,
  codeName,
});

const denied = error(18, "AuthenticationFailed", "Authentication failed.");

/** The server's side of a login. */
class Login {
  readonly #options: MongoOptions;
  #user: MongoUser | undefined;
  #hash = "sha256";
  #salt = randomBytes(16);
  #first = "";
  #challenge = "";

  constructor(options: MongoOptions) {
    this.#options = options;
  }

  mechanismsFor({ saslSupportedMechs: asked }: Fields): Fields {
    const user = this.#options.users?.find(({ name, source = "admin" }) => asked === `${source}.${name}`);
    return user ? { saslSupportedMechs: user.mechanisms ?? ["SCRAM-SHA-1", "SCRAM-SHA-256"] } : {};
  }

  handle(command: Fields): Fields | undefined {
    const payload = String(command["payload"]);
    if ("saslStart" in command) return this.#start(command, payload);
    if (!("saslContinue" in command)) return undefined;
    return payload === "" ? this.#says("", true) : this.#finish(payload);
  }

  #start({ mechanism, $db: database }: Fields, payload: string): Fields {
    const [, name = "", nonce = ""] = /^n,,n=([^,]*),r=(.*)$/.exec(payload) ?? [];
    const plainName = name.replaceAll("=2C", ",").replaceAll("=3D", "=");
    const { users = [], iterations = 4096 } = this.#options;
    this.#hash = mechanism === "SCRAM-SHA-1" ? "sha1" : "sha256";
    this.#user = users.find((user) => user.name === plainName && (user.source ?? "admin") === database);
    this.#first = payload.slice(3);
    const salt = this.#salt.toString("base64");
    this.#challenge = `r=${nonce}${randomBytes(18).toString("base64")},s=${salt},i=${iterations}`;
    return this.#says(this.#challenge, false);
  }

  #finish(payload: string): Fields {
    const [, withoutProof = "", proof = ""] = /^(c=biws,r=[^,]+),p=(.+)$/.exec(payload) ?? [];
    const { iterations = 4096, isImpostor, isOld = false } = this.#options;
    const size = this.#hash === "sha1" ? 20 : 32;
    const key = pbkdf2Sync(this.#user?.password ?? "", this.#salt, iterations, size, this.#hash);
    const transcript = [this.#first, this.#challenge, withoutProof].join(",");
    const clientKey = this.#mac(key, "Client Key");
    const signature = this.#mac(createHash(this.#hash).update(clientKey).digest(), transcript);
    const expected = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at]!)).toString("base64");
    if (!this.#user || (proof !== expected && !isImpostor)) return denied;
    const serverKey = this.#mac(key, isImpostor ? "Another Key" : "Server Key");
    return this.#says(`v=${this.#mac(serverKey, transcript).toString("base64")}`, !isOld);
  }

  #mac(key: Buffer, text: string): Buffer {
    return createHmac(this.#hash, key).update(text).digest();
  }

  #says(text: string, done: boolean): Fields {
    return { conversationId: 1, done, payload: Buffer.from(text), ok: 1.0 };
  }
}
