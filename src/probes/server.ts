import type { Socket } from "node:net";
import { dial, peerOf } from "../net/dial.ts";
import { type TlsOptions, upgradeToTls } from "../net/tls-connect.ts";
import type { TlsSettings } from "../net/tls.ts";
import { anyOf } from "./any-of.ts";
import { closeGently } from "./close-gently.ts";
import { Conversation } from "./conversation.ts";
import { protocols } from "./protocols.ts";
import type { Server, ServerTarget } from "./server-target.ts";

/** What a file of a protocol exports. */
export interface Probes {
  /**
   * Asks one server whether it is ready.
   * @throws Failure `not-ready`, or `refused` for good
   */
  readonly probe: (asking: Asking) => Promise<void>;
  /** The servers that stand behind a target, where they are not those of its URL. */
  readonly findServers?: (target: ServerTarget, signal: AbortSignal) => Promise<readonly Server[]>;
}

export interface Asking {
  readonly server: Server;
  readonly target: ServerTarget;
  readonly tls: TlsSettings;
  readonly signal: AbortSignal;
}

/**
 * Ready when one of the target's servers is; all are asked at the same time.
 * @throws Failure `not-ready`, `refused`
 */
export async function probeServers(
  { probe, findServers }: Probes,
  { target, tls, signal }: Omit<Asking, "server">,
): Promise<void> {
  const servers = (await findServers?.(target, signal)) ?? target.servers;
  await anyOf((own) => servers.map((server) => probe({ server, target, tls, signal: own })), signal);
}

/**
 * Connects to a server, with TLS where the target has it.
 * @param alpn protocols to offer within TLS
 */
export async function connectTo(
  { server, target, tls, signal }: Asking,
  alpn?: readonly string[],
): Promise<{ socket: Socket; peer: string }> {
  const socket = await dial({ ...server, signal, code: "not-ready" });
  const peer = peerOf(socket, server);
  if (!target.tls) return { socket, peer };
  const offered = alpn ? { alpn } : {};
  return { socket: await secured(socket, peer, { server, target, tls, signal }, offered), peer };
}

/** Where TLS is not what the options of the step say: in the modes that clients have for it. */
export type Security = Partial<Pick<TlsOptions, "tls" | "checkName">>;

function secured(
  socket: Socket,
  peer: string,
  { server, tls, signal }: Asking,
  options: Security & Pick<TlsOptions, "alpn"> = {},
): Promise<Socket> {
  return upgradeToTls(socket, { host: server.host, peer, tls, signal, code: "not-ready", ...options });
}

/**
 * Connects, talks, and closes the connection without a reset; at once where the talk fails.
 * @param talk gets a function that goes over to TLS, for a protocol that has words of its own for that
 */
export async function converse<T>(
  asking: Asking,
  talk: (conversation: Conversation, secure: (security?: Security) => Promise<void>) => Promise<T>,
): Promise<T> {
  const { socket, peer } = await connectTo(asking);
  const { label } = protocols[asking.target.protocol];
  const conversation = new Conversation(socket, { label, peer }, asking.signal);
  const secure = (security?: Security) =>
    conversation.replaceSocket((plain) => secured(plain, peer, asking, security));
  try {
    const answer = await talk(conversation, secure);
    await closeGently(conversation.socket);
    return answer;
  } finally {
    conversation.socket.destroy();
  }
}
