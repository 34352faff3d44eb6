import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { Failure } from "../failure.ts";
import { keyOf, requestCancel } from "./cancel.ts";
import { nameOf } from "./connect.ts";
import { lostSession } from "./errors.ts";
import { login, type Login, type LoginOptions } from "./login.ts";
import { Script, type ScriptError, type ScriptOptions } from "./script.ts";
import { type Host, socketIn } from "./hosts.ts";
import type { DatabaseSettings } from "./settings.ts";
import { ofKind, type SingleTarget } from "./target-session.ts";
import { postgresTls, type PostgresTls } from "./tls.ts";

export interface SessionOptions {
  readonly applicationName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When it aborts, the running statement is cancelled, and every call throws the signal's reason. */
  readonly signal: AbortSignal;
}

export type Row = Readonly<Record<string, unknown>>;
/** What a server says beside its answers (NoticeResponse). */
export interface Notice {
  readonly severity: string | undefined;
  readonly message: string | undefined;
}

/**
 * One session of a database. Its end rolls back what is open, and gives back its locks. What is sent before an earlier
 * answer has come is answered in its turn, and run even if what is before it fails.
 */
export interface Session extends AsyncDisposable {
  /** The server, as messages call it: `db:5432`. */
  readonly where: string;
  /** The server's process, as it was told at the login. */
  readonly processId: number;
  /** The transaction: none, open, or failed. */
  readonly transaction: "none" | "open" | "failed";
  /** Called for what the server says beside its answers to what is sent from then on. */
  onNotice: (notice: Notice) => void;
  /** One statement, with `$1`… in it for the values. @throws ServerError, or a Failure when the session is lost */
  query<R extends Row = Row>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /**
   * Any number of statements in one message; rows are passed over. Nothing may be sent behind a COPY before its end.
   * @throws ScriptError, or a Failure
   */
  run(text: string, options?: ScriptOptions): Promise<void>;
}

/**
 * Logs in to the first server of the list that lets us in and is of the kind that is wanted.
 * @throws Failure `configuration`, `database-unavailable` or `refused`; the reason of the signal
 */
export async function openSession(settings: DatabaseSettings, options: SessionOptions): Promise<Session> {
  const { env, signal, applicationName } = options;
  const tls = await postgresTls(settings, env["HOME"]);
  const login = { settings, user: userOf(settings), tls, signal, applicationName };
  const hosts = settings.hosts.length > 0 ? settings.hosts : [localServer()];
  const order = settings.shuffled ? shuffled(hosts) : hosts;
  if (settings.target !== "prefer-standby") return await openOneOf(order, settings.target, login);
  try {
    return await openOneOf(order, "standby", login);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof Failure) || error.permanent) throw error;
    return await openOneOf(order, "any", login);
  }
}

/** As with libpq, only a server that is not available, or of another kind, is passed over. */
async function openOneOf(
  hosts: readonly Host[],
  wanted: SingleTarget,
  options: LoginOptions,
): Promise<Session> {
  const failures: Failure[] = [];
  for (const host of hosts) {
    try {
      return await ofKind(await openOn(host, options), wanted);
    } catch (error) {
      options.signal.throwIfAborted();
      if (!(error instanceof Failure) || error.permanent) throw error;
      failures.push(error);
    }
  }
  throw noneOf(failures);
}

const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((each) => [Math.random(), each] as const)
    .toSorted(([a], [b]) => a - b)
    .map(([, each]) => each);

/**
 * Without a user, as libpq has it, the name of the user that the process runs as.
 * @throws Failure `configuration`
 */
export function userOf({ user }: DatabaseSettings): string {
  if (user !== undefined) return user;
  try {
    return userInfo().username;
  } catch (cause) {
    const hint = "put a user into the URL, or set PGUSER";
    throw new Failure("configuration", "no database user is configured", { hint, cause });
  }
}

/** Where libpq looks without a host: Debian's socket, PostgreSQL's own, else TCP. */
function localServer(): Host {
  const sockets = ["/var/run/postgresql", "/tmp"].map((folder) => socketIn(folder, 5432));
  return sockets.find(({ path }) => existsSync(path!)) ?? { host: "localhost", port: 5432 };
}

function noneOf([first, ...others]: readonly Failure[]): Failure {
  if (others.length === 0) return first!;
  const message = [first!, ...others].map((failure) => failure.message).join("; ");
  return new Failure(first!.code, `no server of the list: ${message}`, first!.options);
}

async function openOn(host: Host, options: LoginOptions): Promise<Session> {
  const connection = await login(host, options);
  return sessionOn(connection, options.tls, options.signal);
}

/** How long a session may take to stop its statement and to say goodbye. */
const cancelMs = 1500;
const goodbyeMs = 1000;

function sessionOn(connection: Login, tls: PostgresTls, signal: AbortSignal): Session {
  const { client, socket } = connection;
  const where = nameOf(connection.host);
  /** Who hears what the server says, for each answer that is awaited. */
  const listeners: Session["onNotice"][] = [];
  let running = 0;
  let cancelling: Promise<void> | undefined;
  const onAbort = () => {
    if (running > 0) cancelling = stopStatement(connection, tls);
  };
  signal.addEventListener("abort", onAbort);

  const call = async <T>(start: () => Promise<T>): Promise<T> => {
    signal.throwIfAborted();
    running++;
    listeners.push(session.onNotice);
    try {
      return await start();
    } catch (error) {
      signal.throwIfAborted();
      throw lostSession(where, (error as Partial<ScriptError>).error ?? error) ?? error;
    } finally {
      running--;
    }
  };

  const session: Session = {
    where,
    processId: keyOf(client).processID,
    onNotice: () => {},
    get transaction() {
      return transactionOf(client);
    },
    query: (text, values) => call(async () => (await client.query(text, values && [...values])).rows),
    run: (text, options = {}) => call(() => client.query(new Script(text, options)).over),
    async [Symbol.asyncDispose]() {
      signal.removeEventListener("abort", onAbort);
      await cancelling;
      await close(connection);
      socket.destroy();
    },
  };
  client.on("notice", (notice) => listeners[0]?.(notice));
  client.connection.on("readyForQuery", () => listeners.shift());
  return session;
}

function transactionOf(client: Client): Session["transaction"] {
  const status = client.getTransactionStatus();
  return status === "T" ? "open" : status === "E" ? "failed" : "none";
}

/** The statement ends with an error soon after; where the server cannot be reached any more, with the socket. */
async function stopStatement(connection: Login, tls: PostgresTls): Promise<void> {
  const { client, socket } = connection;
  const timer = setTimeout(() => socket.destroy(), cancelMs);
  client.once("drain", () => clearTimeout(timer)).once("end", () => clearTimeout(timer));
  await requestCancel(connection, tls, cancelMs);
}

async function close({ client, socket }: Login): Promise<void> {
  const stop = new AbortController();
  const late = sleep(goodbyeMs, undefined, { signal: stop.signal }).then(
    () => socket.destroy(),
    () => {},
  );
  await Promise.race([client.end(), late]);
  stop.abort();
}
