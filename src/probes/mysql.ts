import { Failure } from "../failure.ts";
import { failedGreeting, failedLogin, isNotYet } from "./mysql-errors.ts";
import { type Credentials, logIn } from "./mysql-login.ts";
import { Packets } from "./mysql-packets.ts";
import { type Encryption, encryptionOf } from "./mysql-tls.ts";
import { type Greeting, quit, sslRequest } from "./mysql-wire.ts";
import { type Asking, converse } from "./server.ts";

/**
 * Ready when the server greets, which it does as soon as it is open for connections; with a password in the URL when it
 * lets us in, and into the database (MySQL source documentation, "Client/Server Protocol").
 */
export async function probe(asking: Asking): Promise<void> {
  const encryption = encryptionOf(asking);
  await converse(asking, async (conversation, secure) => {
    const packets = new Packets(conversation);
    const greeting = await readGreeting(packets);
    const credentials = credentialsOf(asking, wantsTls(encryption, greeting));
    if (credentials.isEncrypted) {
      await askForTls(packets, greeting, credentials);
      await secure(encryption.security).catch(notSoonAgain);
    }
    if (credentials.password === undefined) await takeLeave(packets, greeting, credentials);
    else await enter(packets, greeting, credentials);
  });
}

async function readGreeting(packets: Packets): Promise<Greeting> {
  const first = await packets.readFirst();
  if ("nonce" in first) return first;
  throw failedGreeting(packets.conversation, first);
}

const wantsTls = ({ when }: Encryption, { offersTls }: Greeting): boolean =>
  when === "always" || (when === "offered" && offersTls);

function credentialsOf({ target, server }: Asking, isEncrypted: boolean): Credentials {
  const { user = "", password, path } = target;
  const isLocal = server.path !== undefined;
  return password === undefined
    ? { ...visitor, isEncrypted, isLocal }
    : { user, password, database: path || undefined, isEncrypted, isLocal };
}

/** The name is for the log of a server that notes who it has not let in. */
const visitor = { user: "initkit", password: undefined, database: undefined };

async function askForTls(packets: Packets, greeting: Greeting, credentials: Credentials): Promise<void> {
  if (!greeting.offersTls) throw await withoutTls(packets, greeting);
  packets.write(sslRequest(greeting, credentials));
}

async function withoutTls(packets: Packets, greeting: Greeting): Promise<Failure> {
  await takeLeave(packets, greeting, { ...visitor, isEncrypted: false, isLocal: false });
  return packets.conversation.notReady("the server offers no TLS", {
    kind: "tls",
    hint: "set up TLS on the server, or write ssl-mode=disabled in the URL",
  });
}

async function enter(packets: Packets, greeting: Greeting, credentials: Credentials): Promise<void> {
  const error = await logIn(packets, greeting, credentials);
  if (error) throw failedLogin(packets.conversation, error);
  packets.conversation.write(quit);
}

/** A handshake of TLS that is broken off counts as a broken connection too (see takeLeave), so not many are made. */
function notSoonAgain(error: unknown): never {
  const isAboutTls = error instanceof Failure && error.kind.startsWith("tls");
  throw isAboutTls ? new Failure(error.code, error.message, { ...error.options, retryAfter: 10_000 }) : error;
}

/** A server that answers failed logins ever more slowly (CONNECTION_CONTROL of MySQL) is not waited for. */
const patienceMs = 500;

/**
 * Goes away by a login that fails. A server counts a client that hangs up after the greeting, or answers it with
 * anything else, as a broken connection, and blocks its address after max_connect_errors of them (error 1129); a failed
 * login does not count. It leaves a line ("Access denied") where MariaDB has log_warnings at its default of 2 or above,
 * and MySQL log_error_verbosity at 3. All that leaves none in MariaDB 10.11 (an answer of the wrong length, a plugin
 * that is never answered) counts as broken, and a blocked application is worse than a line. The user of the URL stays
 * out of it, for failed logins can lock an account.
 */
async function takeLeave(packets: Packets, greeting: Greeting, credentials: Credentials): Promise<void> {
  const error = await within(patienceMs, logIn(packets, greeting, credentials));
  if (error === "late") return;
  if (error === undefined) packets.conversation.write(quit);
  else if (isNotYet(error)) throw failedGreeting(packets.conversation, error);
}

async function within<T>(ms: number, answer: Promise<T>): Promise<T | "late"> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = setTimeout(resolve, ms, "late");
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}
