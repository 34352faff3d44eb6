import type { Socket } from "node:net";
import type { Client } from "pg";
import { deadline } from "../deadline.ts";
import { Failure, restate } from "../failure.ts";
import { formatMs } from "../format.ts";
import { interrupted } from "../net/errors.ts";
import { nameOf, openSocket } from "./connect.ts";
import { startupFailure } from "./errors.ts";
import { findPassword } from "./password-file.ts";
import type { Host } from "./hosts.ts";
import type { DatabaseSettings } from "./settings.ts";
import type { Encryption, PostgresTls } from "./tls.ts";

export interface LoginOptions {
  readonly settings: DatabaseSettings;
  readonly user: string;
  readonly tls: PostgresTls;
  /** How the session shows in pg_stat_activity. */
  readonly applicationName: string;
  readonly signal: AbortSignal;
}

/** A client that is logged in, on a socket that can be destroyed. */
export interface Login {
  readonly client: Client;
  readonly socket: Socket;
  readonly host: Host;
}

/**
 * Logs in to one server, encrypted as sslmode says; where the first way is turned down and sslmode knows
 * another, that one is tried too.
 * @throws Failure `database-unavailable` or `refused`; the reason of the signal
 */
export async function login(host: Host, options: LoginOptions): Promise<Login> {
  const { connectTimeout } = options.settings;
  using bound = deadline(options.signal, connectTimeout, () => tooSlow(host, connectTimeout));
  const within = { ...options, signal: bound.signal };
  const [first, second] = host.path === undefined ? options.tls.encryptions : (["plain"] as const);
  try {
    return await loginEncrypted(host, first!, within);
  } catch (error) {
    if (second === undefined || !anotherWayMayHelp(error)) throw error;
    return await loginEncrypted(host, second, within).catch((other: unknown) => {
      throw bothFailed(error, other);
    });
  }
}

const tooSlow = (host: Host, limitMs: number): Failure =>
  new Failure("database-unavailable", `${nameOf(host)}: no session within ${formatMs(limitMs)}`, {
    kind: "postgres:timeout",
    hint: "the server accepts connections but is silent: look at its log and load, and at proxies in between",
  });

/** pg_hba.conf may let a user in with TLS only, or without TLS only. */
const anotherWayMayHelp = (error: unknown): error is Failure =>
  error instanceof Failure && (error.kind.startsWith("tls") || error.kind === "postgres:28000");

function bothFailed(first: Failure, second: unknown): unknown {
  if (!(second instanceof Failure) || first.message === second.message) return second;
  return restate(second, `${first.message}; and the other way: ${second.message}`);
}

async function loginEncrypted(host: Host, encryption: Encryption, options: LoginOptions): Promise<Login> {
  const { signal, tls } = options;
  const socket = await openSocket(host, encryption, tls, signal);
  const stop = () => socket.destroy(silence(host, signal));
  signal.addEventListener("abort", stop);
  try {
    signal.throwIfAborted();
    const client = await newClient(socket, host, options);
    await client.connect();
    if (socket.errored) throw socket.errored;
    return { client, socket, host };
  } catch (error) {
    socket.destroy();
    throw startupFailure(nameOf(host), error);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}

function silence(host: Host, signal: AbortSignal): Error {
  const kind = "postgres:timeout";
  return interrupted(signal, "database-unavailable", `${nameOf(host)}, logging in`, { kind }) as Error;
}

async function newClient(socket: Socket, host: Host, options: LoginOptions): Promise<Client> {
  const { default: PgClient } = await import("pg/lib/client.js");
  const { settings, user, applicationName } = options;
  const client = new PgClient({
    user,
    database: settings.database ?? user,
    password: () => passwordOf(host, options),
    host: "-",
    port: 1,
    ssl: false,
    sslnegotiation: "postgres",
    enableChannelBinding: settings.channelBinding !== "disable" && "encrypted" in socket,
    application_name: applicationName,
    options: settings.options,
    stream: () => connected(socket),
    pipeline: true,
  });
  client.on("error", () => {});
  if (settings.channelBinding === "require") requireChannelBinding(client, socket);
  return client;
}

/** A function, for else the client would look into files of its own. */
async function passwordOf(host: Host, { settings, user }: LoginOptions): Promise<string> {
  const { password, passwordFile } = settings;
  if (password !== undefined) return password;
  const database = settings.database ?? user;
  const found = passwordFile ? await findPassword(passwordFile, { host, database, user }) : undefined;
  if (found && "password" in found) return found.password;
  throw new Failure("refused", "the server asks for a password, and none is configured", {
    hint: `put it into the URL, or set PGPASSWORD from a Secret${found ? `; ${found.why}` : ""}`,
  });
}

/** The client wants to connect by itself; this socket is connected already. */
function connected(socket: Socket): Socket {
  return Object.assign(socket, {
    connect() {
      process.nextTick(() => socket.emit("connect"));
      return socket;
    },
  });
}

/** The client itself would go on without, where the server (or somebody in between) offers none. */
function requireChannelBinding(client: Client, socket: Socket): void {
  let bound = false;
  const refuse = () =>
    socket.destroy(
      new Failure("refused", "channel_binding=require, but the server offers none", {
        hint: "it needs TLS and a password of type scram-sha-256; else leave channel_binding out of the URL",
      }),
    );
  const { connection } = client;
  connection.on("authenticationSASL", ({ mechanisms }: { mechanisms: readonly string[] }) => {
    bound = mechanisms.includes("SCRAM-SHA-256-PLUS");
    if (!bound) refuse();
  });
  for (const event of ["authenticationMD5Password", "authenticationCleartextPassword"])
    connection.on(event, refuse);
  connection.on("authenticationOk", () => bound || refuse());
}
