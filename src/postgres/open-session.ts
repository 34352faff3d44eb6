import { existsSync } from "node:fs";
import { userInfo } from "node:os";
import { Failure } from "../failure.ts";
import { type Host, socketIn } from "./hosts.ts";
import { login, type LoginOptions } from "./login.ts";
import { type Session, sessionOn } from "./session.ts";
import type { DatabaseSettings } from "./settings.ts";
import { ofKind, type SingleTarget } from "./target-session.ts";
import { postgresTls } from "./tls.ts";

export interface SessionOptions {
  readonly applicationName: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** When it aborts, the running statement is cancelled, and every call throws the signal's reason. */
  readonly signal: AbortSignal;
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
      const connection = await login(host, options);
      return await ofKind(sessionOn(connection, options.tls, options.signal), wanted);
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
