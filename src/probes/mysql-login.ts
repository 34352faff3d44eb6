import { quote } from "../format.ts";
import { type Challenge, type Plugin, pluginNamed, withoutPassword } from "./mysql-auth.ts";
import type { Packets } from "./mysql-packets.ts";
import { type Greeting, handshakeResponse, type Login, type ServerError } from "./mysql-wire.ts";

export interface Credentials extends Login {
  readonly password: string | undefined;
  /** Over a Unix socket. */
  readonly isLocal: boolean;
}

/**
 * Answers the greeting, and whatever the server asks then (MySQL source documentation, "Connection Phase").
 * @returns nothing when the server lets us in, or why it does not
 * @throws Failure `refused` where the account has a plugin that is not spoken here, and those of a conversation
 */
export async function logIn(
  packets: Packets,
  greeting: Greeting,
  credentials: Credentials,
): Promise<ServerError | undefined> {
  const opening = openingPlugin(greeting);
  let exchange = new Exchange(packets, opening, greeting.nonce, credentials);
  packets.write(handshakeResponse(greeting, credentials, opening, exchange.start()));
  for (;;) {
    const reply = await packets.readReply();
    switch (reply.type) {
      case "ok":
        return undefined;
      case "error":
        return reply.error;
      case "switch":
        exchange = new Exchange(packets, reply.plugin, reply.nonce, credentials);
        packets.write(exchange.start());
        break;
      case "more":
        exchange.goOn(reply.data);
    }
  }
}

/** The server's own, where its first answer is short; the server goes over to that of the account. */
const openingPlugin = ({ plugin }: Greeting): string =>
  plugin === "caching_sha2_password" ? plugin : "mysql_native_password";

/** What is said by the rules of one plugin. */
class Exchange {
  readonly #packets: Packets;
  readonly #name: string;
  readonly #plugin: Plugin;
  readonly #challenge: Challenge;

  constructor(packets: Packets, name: string, nonce: Buffer, credentials: Credentials) {
    const { password, isEncrypted, isLocal } = credentials;
    this.#packets = packets;
    this.#name = name;
    this.#plugin = password === undefined ? withoutPassword(name) : (pluginNamed(name) ?? this.#unknown());
    this.#challenge = { password: password ?? "", nonce, isEncrypted, isLocal };
  }

  start(): Buffer {
    return this.#plugin.start(this.#challenge) ?? this.#unsafe();
  }

  goOn(data: Buffer): void {
    const answer = this.#plugin.goOn(data, this.#challenge);
    if (answer === "foreign") throw this.#packets.conversation.foreign();
    if (answer !== undefined) this.#packets.write(answer);
  }

  #unknown(): never {
    const says = `the account logs in with ${quote(this.#name)}, which wait-for does not speak`;
    throw this.#packets.conversation.refused(says, {
      kind: "mysql:plugin",
      hint: "leave the password out of the URL: it is enough then that the server greets",
    });
  }

  #unsafe(): never {
    throw this.#packets.conversation.refused(
      `the account logs in with ${this.#name}, for which TLS is needed`,
      {
        kind: "mysql:plugin",
        hint: "write ssl-mode=required in the URL, or leave the password out of it",
      },
    );
  }
}
