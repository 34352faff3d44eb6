import { once } from "node:events";
import type { Client } from "pg";
import type { Login } from "./login.ts";
import { openSocket } from "./connect.ts";
import type { PostgresTls } from "./tls.ts";

/**
 * Asks the server to cancel what a session is doing (CancelRequest; PostgreSQL manual, 54.2.9): on a connection of
 * its own, to the very server that the session is on. The server says nothing about it, so failures go unheard.
 */
export async function requestCancel(
  { client, socket, host }: Login,
  tls: PostgresTls,
  limitMs: number,
): Promise<void> {
  const signal = AbortSignal.timeout(limitMs);
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
