import { once } from "node:events";
import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "pg";
import type { Login } from "./login.ts";
import { openSocket } from "./connect.ts";
import type { PostgresTls } from "./tls.ts";

/** How long a session may take to stop what it is doing. */
const longestMs = 1500;
const pauseMs = 100;

/**
 * Cancels all that was sent to the server and has no answer yet; where the server does not answer soon, it destroys the
 * socket. The server passes over a request that comes between two messages, so it is repeated.
 */
export async function cancelAll(login: Login, tls: PostgresTls): Promise<void> {
  const { client, socket } = login;
  const over = new AbortController();
  const stop = () => over.abort();
  client.once("drain", stop).once("end", stop);
  const late = setTimeout(() => {
    stop();
    socket.destroy();
  }, longestMs);
  const limit = AbortSignal.timeout(longestMs);
  while (!over.signal.aborted) {
    await requestCancel(login, tls, limit);
    await sleep(pauseMs, undefined, over).catch(() => {});
  }
  clearTimeout(late);
}

/**
 * A CancelRequest (PostgreSQL manual, 54.2.9): on a connection of its own, to the very server that the session is on.
 * The server says nothing about it, so failures go unheard.
 */
async function requestCancel(
  { client, socket, host }: Login,
  tls: PostgresTls,
  signal: AbortSignal,
): Promise<void> {
  const { processID, secretKey } = keyOf(client);
  const encryption = "encrypted" in socket ? "tls" : "plain";
  try {
    const line = await openSocket({ ...host, address: socket.remoteAddress }, encryption, tls, signal);
    // Who hangs up first may not be heard by a pooler (PgBouncer 1.18 even falls over), so the server does.
    line.resume().write(cancelRequest(processID, secretKey));
    await once(line, "close", { signal }).finally(() => line.destroy());
  } catch {}
}

/** What the server has told at the login (BackendKeyData). */
export const keyOf = (client: Client): { processID: number; secretKey: number } =>
  client as unknown as { processID: number; secretKey: number };

function cancelRequest(processId: number, secretKey: number): Buffer {
  const message = Buffer.alloc(16);
  message.writeInt32BE(16, 0);
  message.writeInt32BE((1234 << 16) | 5678, 4);
  message.writeInt32BE(processId, 8);
  message.writeInt32BE(secretKey, 12);
  return message;
}
