import type { Socket } from "node:net";
import { Failure, type FailureOptions } from "../failure.ts";
import { beginningOf, quote, serverWords } from "../format.ts";
import { interrupted, networkFailure } from "../net/errors.ts";

const code = "not-ready";

/** No message that a probe waits for is longer than this, in bytes. */
const maxMessage = 1024 * 1024;

const maxTold = 500;

/** How the two sides are called in messages. */
export interface Talkers {
  /** The protocol as people write it: `Redis`. */
  readonly label: string;
  /** As `peerOf` has it: `db:6379 (10.0.0.3)`. */
  readonly peer: string;
}

/**
 * What is said over a connection, message by message. Each of its methods that wait ends with a Failure `not-ready` of
 * kind `reset`, `timeout` or `protocol` where the other side hangs up, is silent or speaks another protocol, and with
 * the reason of the signal.
 */
export class Conversation {
  readonly #talkers: Talkers;
  readonly #signal: AbortSignal;
  #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #ended: Error | "closed" | undefined;
  #wake: () => void = () => {};

  constructor(socket: Socket, talkers: Talkers, signal: AbortSignal) {
    this.#talkers = talkers;
    this.#signal = signal;
    this.#socket = socket;
    this.#listen();
  }

  get socket(): Socket {
    return this.#socket;
  }

  #listen(): void {
    this.#socket
      .on("data", this.#onData)
      .on("error", this.#onError)
      .on("end", this.#onClose)
      .on("close", this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#received = Buffer.concat([this.#received, chunk]);
    if (this.#received.length > maxMessage) this.#socket.pause();
    this.#wake();
  };

  readonly #onError = (error: Error): void => {
    this.#ended = error;
    this.#wake();
  };

  readonly #onClose = (): void => {
    this.#ended ??= "closed";
    this.#wake();
  };

  write(message: Buffer | string): void {
    this.#socket.write(message);
  }

  /** The next `length` bytes. */
  read(length: number): Promise<Buffer> {
    return this.readWhen((bytes) => (bytes.length < length ? undefined : length));
  }

  /**
   * The next line, without its end: LF, or CR and LF.
   * @param start what the first byte must be, so that another protocol is told at once
   */
  async readLine(start: RegExp): Promise<string> {
    const line = await this.readWhen((bytes) => {
      if (bytes.length > 0 && !start.test(bytes.toString("latin1", 0, 1))) throw this.foreign();
      return bytes.indexOf("\n") + 1 || undefined;
    });
    return line.toString("utf8").replace(/\r?\n$/, "");
  }

  /**
   * The next bytes, as many as `lengthIn` says of all that are there; it says undefined while they are too few.
   * It is asked again whenever more come, also with none.
   */
  async readWhen(lengthIn: (bytes: Buffer) => number | undefined): Promise<Buffer> {
    for (;;) {
      const length = lengthIn(this.#received);
      if (length !== undefined && length <= this.#received.length) return this.#take(length);
      if (this.#received.length > maxMessage) throw this.foreign();
      await this.#more();
    }
  }

  #take(length: number): Buffer {
    const taken = this.#received.subarray(0, length);
    this.#received = this.#received.subarray(length);
    return taken;
  }

  async #more(): Promise<void> {
    if (this.#signal.aborted) throw this.#silent();
    if (this.#ended) throw this.#hungUp(this.#ended);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = () => resolve();
    this.#signal.addEventListener("abort", this.#wake, { once: true });
    await promise;
    this.#signal.removeEventListener("abort", this.#wake);
  }

  /** Goes on over another socket, which has been made of this one: TLS, after a protocol's own words for it. */
  async replaceSocket(secure: (plain: Socket) => Promise<Socket>): Promise<void> {
    // Bytes from before the encryption could be an attacker's (CVE-2021-23222 and its like).
    if (this.#received.length > 0) throw this.foreign();
    const plain = this.#socket;
    plain
      .off("data", this.#onData)
      .off("error", this.#onError)
      .off("end", this.#onClose)
      .off("close", this.#onClose);
    this.#socket = await secure(plain);
    this.#listen();
  }

  /** The server speaks of itself: it is not ready. `says` completes the sentence "Redis db:6379: …". */
  notReady(says: string, { kind, hint }: Pick<FailureOptions, "kind" | "hint">): Failure {
    return new Failure(code, this.#told(says), { kind, hint });
  }

  /** Another try of the same will end the same: a wrong password. */
  refused(says: string, { kind, hint }: Pick<FailureOptions, "kind" | "hint">): Failure {
    return new Failure("refused", this.#told(says), { kind, hint });
  }

  /** What a server says may be of any length, and may try to look like a line of the log. */
  #told(says: string): string {
    const words = serverWords(says);
    return `${this.#name}: ${words.length > maxTold ? `${beginningOf(words, maxTold)}…` : words}`;
  }

  /** What came is not of this protocol. */
  foreign(): Failure {
    const start = this.#received.length > 0 ? `: ${quote(this.#received.toString("latin1", 0, 40))}` : "";
    return this.notReady(`the answer is of another protocol${start}`, {
      kind: "protocol",
      hint: "check the port: another program listens there, or one of the two sides speaks TLS",
    });
  }

  get #name(): string {
    return `${this.#talkers.label} ${this.#talkers.peer}`;
  }

  #hungUp(ended: Error | "closed"): Failure {
    if (ended !== "closed") return networkFailure(code, "server", this.#name, ended);
    return this.notReady("the other side closed the connection without an answer", {
      kind: "reset",
      hint: "a proxy or sidecar without a backend does that: check that the pods behind the Service are ready; a server that wants TLS does it too",
    });
  }

  #silent(): unknown {
    const hint =
      "the server takes connections but is silent: look at its log and load, and at proxies in between";
    return interrupted(this.#signal, code, `${this.#name}: no answer`, { kind: "timeout", hint });
  }
}
