import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import { cancelAll, keyOf } from "./cancel.ts";
import { nameOf } from "./connect.ts";
import { lostSession } from "./errors.ts";
import type { Login } from "./login.ts";
import { Script, type ScriptError, type ScriptOptions } from "./script.ts";
import type { PostgresTls } from "./tls.ts";

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
 * The session of a login.
 * @param signal when it aborts, what runs is cancelled, and every call throws the signal's reason
 */
export function sessionOn(connection: Login, tls: PostgresTls, signal: AbortSignal): Session {
  const { client, socket } = connection;
  const where = nameOf(connection.host);
  /** Who hears what the server says, for each answer that is awaited. */
  const listeners: Session["onNotice"][] = [];
  let running = 0;
  let cancelling: Promise<void> | undefined;
  const onAbort = () => {
    if (running > 0) cancelling = cancelAll(connection, tls);
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

/** How long a session may take to say goodbye. */
const goodbyeMs = 1000;

async function close({ client, socket }: Login): Promise<void> {
  const stop = new AbortController();
  const late = sleep(goodbyeMs, undefined, { signal: stop.signal }).then(
    () => socket.destroy(),
    () => {},
  );
  await Promise.race([client.end(), late]);
  stop.abort();
}
