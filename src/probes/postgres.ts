import { Failure } from "../failure.ts";
import { login } from "../postgres/login.ts";
import { type Host, socketIn } from "../postgres/hosts.ts";
import type { PostgresTls } from "../postgres/tls.ts";
import { closeGently } from "./close-gently.ts";
import { anyOf } from "./any-of.ts";
import { shakeHands } from "./postgres-handshake.ts";
import type { PostgresTarget } from "./target.ts";

/**
 * Ready when the server would let somebody log in, which is what pg_isready looks at, and with a password in the URL
 * when it lets us in. Of several servers one is enough; all are asked at the same time.
 * @throws Failure `not-ready`, `refused`
 */
export async function probePostgres(
  { settings }: PostgresTarget,
  tls: PostgresTls,
  signal: AbortSignal,
): Promise<void> {
  const hosts = settings.hosts.length > 0 ? settings.hosts : localServers;
  const user = settings.user ?? "postgres";
  await anyOf((own) => hosts.map((host) => probeServer(host, { settings, user, tls, signal: own })), signal);
}

/** Where libpq may look without a host: Debian's socket, PostgreSQL's own, TCP. */
const localServers: readonly Host[] = [
  socketIn("/var/run/postgresql", 5432),
  socketIn("/tmp", 5432),
  { host: "localhost", port: 5432 },
];

export interface Asking {
  readonly settings: PostgresTarget["settings"];
  readonly user: string;
  readonly tls: PostgresTls;
  readonly signal: AbortSignal;
}

async function probeServer(host: Host, asking: Asking): Promise<void> {
  try {
    await (asking.settings.password === undefined ? shakeHands(host, asking) : logIn(host, asking));
  } catch (error) {
    throw whileWaiting(error);
  }
}

async function logIn(host: Host, asking: Asking): Promise<void> {
  const { client, socket } = await login(host, { ...asking, applicationName: "initkit" });
  client.end().catch(() => {});
  await closeGently(socket);
}

const refusals = new Set(["postgres:28P01", "postgres:28000", "postgres:3D000"]);

/** What is final for somebody who must work in the database may still come right for somebody who waits for it. */
function whileWaiting(error: unknown): unknown {
  if (!(error instanceof Failure)) return error;
  if (error.code !== "database-unavailable" && error.code !== "refused") return error;
  return new Failure(refusals.has(error.kind) ? "refused" : "not-ready", error.message, error.options);
}
