import type { Socket } from "node:net";
import { Failure } from "../failure.ts";
import { interrupted, networkFailure } from "../net/errors.ts";
import { nameOf, openSocket } from "../postgres/connect.ts";
import { serverWords } from "../format.ts";
import type { Host } from "../postgres/hosts.ts";
import type { Encryption } from "../postgres/tls.ts";
import { closeGently } from "./close-gently.ts";
import { type Answer, answerIn, startupMessage } from "./postgres-wire.ts";
import type { Asking } from "./postgres.ts";

const code = "not-ready";

/**
 * Asks to log in, and goes away when the server asks for the password. Only this shows that a server is ready: it
 * takes connections, and agrees to TLS, before.
 */
export async function shakeHands(host: Host, asking: Asking): Promise<void> {
  const [first, second] = host.path === undefined ? asking.tls.encryptions : (["plain"] as const);
  try {
    await shakeHandsOver(first!, host, asking);
  } catch (error) {
    const tlsFailed = error instanceof Failure && error.kind.startsWith("tls");
    if (second === undefined || !tlsFailed) throw error;
    await shakeHandsOver(second, host, asking);
  }
}

async function shakeHandsOver(
  encryption: Encryption,
  host: Host,
  { settings, user, tls, signal }: Asking,
): Promise<void> {
  const socket = await openSocket(host, encryption, tls, signal);
  try {
    socket.write(startupMessage(user, settings.database));
    const answer = await firstAnswer(socket, host, signal);
    if (answer.error && isNotYet(answer.error)) throw notReady(host, answer.error);
    await closeGently(socket);
  } finally {
    socket.destroy();
  }
}

type ServerError = NonNullable<Answer["error"]>;

/** Starting, stopping or recovering; full. Any other error comes from a server that is ready to tell it. */
const isNotYet = ({ sqlState }: ServerError): boolean =>
  sqlState === undefined || sqlState === "57P03" || sqlState === "53300";

const notReady = (host: Host, { sqlState, message }: ServerError): Failure =>
  new Failure(code, `${nameOf(host)}: ${serverWords(message)}${sqlState ? ` (SQLSTATE ${sqlState})` : ""}`, {
    kind: `postgres:${sqlState ?? "error"}`,
    hint:
      sqlState === "53300"
        ? "the server has no connection left: look at max_connections and at who holds them"
        : "the server is starting, stopping or recovering; if that lasts, look at its log",
  });

function firstAnswer(socket: Socket, host: Host, signal: AbortSignal): Promise<Answer> {
  const doing = `${nameOf(host)}, asking to log in`;
  let received: Buffer = Buffer.alloc(0);
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off("data", onData).off("error", onError).off("close", onClose);
      signal.removeEventListener("abort", onAbort);
      act();
    };
    const fail = (error: unknown) => settle(() => reject(error as Error));
    const onData = (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = answerIn(received);
      if (answer === "foreign") fail(notPostgres(host));
      else if (answer) settle(() => resolve(answer));
    };
    const onError = (error: Error) => fail(networkFailure(code, "postgres", doing, error));
    const onClose = () => fail(hungUp(doing));
    const onAbort = () => fail(interrupted(signal, code, doing, { kind: "postgres:timeout", hint: silent }));
    socket.on("data", onData).on("error", onError).on("close", onClose);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}

const silent =
  "the server accepts connections but is silent: look at its log and load, and at proxies in between";

const notPostgres = (host: Host): Failure =>
  new Failure(code, `${nameOf(host)}: the answer is not that of a PostgreSQL server`, {
    hint: "check the port: another program listens there",
    kind: "protocol",
  });

const hungUp = (doing: string): Failure =>
  new Failure(code, `${doing}: the other side closed the connection`, {
    hint: "a proxy or sidecar without a backend does that: check that the pods behind the Service are ready",
    kind: "reset",
  });
