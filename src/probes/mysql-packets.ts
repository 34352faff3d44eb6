import type { Conversation } from "./conversation.ts";
import {
  firstPacketLength,
  type Greeting,
  greetingIn,
  packet,
  packetLength,
  type Reply,
  replyIn,
  type ServerError,
} from "./mysql-wire.ts";

/** The packets of a login. Both sides number them, on from each other's. */
export class Packets {
  readonly conversation: Conversation;
  #next = 0;

  constructor(conversation: Conversation) {
    this.conversation = conversation;
  }

  /** What the server says first, unasked. */
  async readFirst(): Promise<Greeting | ServerError> {
    const payload = await this.#read(firstPacketLength);
    const reply = replyIn(payload);
    if (reply?.type === "error") return reply.error;
    return greetingIn(payload) ?? this.#foreign();
  }

  async readReply(): Promise<Reply> {
    return replyIn(await this.#read(packetLength)) ?? this.#foreign();
  }

  async #read(lengthIn: typeof packetLength): Promise<Buffer> {
    const bytes = await this.conversation.readWhen((received) => {
      const length = lengthIn(received);
      return length === "foreign" ? this.#foreign() : length;
    });
    this.#next = bytes[3]! + 1;
    return bytes.subarray(4);
  }

  write(payload: Buffer): void {
    this.conversation.write(packet(this.#next++, payload));
  }

  #foreign(): never {
    throw this.conversation.foreign();
  }
}
