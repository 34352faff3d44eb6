import type { Socket } from "node:net";
import { Readable } from "node:stream";
import type { Client, Dispatcher } from "undici";
import { interrupted, networkFailure } from "./errors.ts";
import type { HttpResponse, RequestOptions } from "./http.ts";
import type { Hop } from "./redirect.ts";
import { shown } from "./url.ts";

/** Makes a response of the client's callbacks, and drops the connection at the end of it, whichever end that is. */
export class Receiver implements Dispatcher.DispatchHandler {
  readonly #url: URL;
  readonly #doing: string;
  readonly #options: RequestOptions;
  readonly #client: Client;
  readonly #socket: Socket;
  readonly #response = Promise.withResolvers<HttpResponse>();
  #body: Readable | undefined;
  #broken: Error | undefined;

  constructor({ url, method }: Hop, options: RequestOptions, client: Client, socket: Socket) {
    this.#url = url;
    this.#doing = `HTTP ${method} ${shown(url)}`;
    this.#options = options;
    this.#client = client;
    this.#socket = socket;
    socket.once("error", (error) => (this.#broken = error));
    options.signal.addEventListener("abort", this.#onAbort);
    if (options.signal.aborted) this.#onAbort();
  }

  get response(): Promise<HttpResponse> {
    return this.#response.promise;
  }

  onRequestStart(): void {}

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: HttpResponse["headers"],
  ): void {
    if (status < 200) return;
    const body = new Readable({
      read: () => controller.resume(),
      destroy: (error, done) => {
        this.#disconnect();
        done(error);
      },
    });
    // It breaks when it breaks, even where nobody reads it.
    body.on("error", () => {});
    this.#body = body;
    const close = () => void body.destroy();
    this.#response.resolve({ status, headers, url: this.#url, body, close, [Symbol.dispose]: close });
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#body?.push(chunk) === false) controller.pause();
  }

  onResponseEnd(): void {
    // The client takes a reset for the end of a body that has no length.
    if (this.#broken) return this.onResponseError(undefined, this.#broken);
    this.#body?.push(null);
    this.#disconnect();
  }

  onResponseError(_: unknown, error: Error): void {
    // Where TLS 1.3 refuses a client certificate, the client only sees the end that follows.
    this.#fail(networkFailure(this.#options.code, "http", this.#doing, this.#broken ?? error));
  }

  readonly #onAbort = (): void => {
    const { signal, code } = this.#options;
    this.#fail(interrupted(signal, code, this.#doing, this.#body ? stalled : silent));
  };

  #fail(error: unknown): void {
    this.#disconnect();
    this.#response.reject(error);
    this.#body?.destroy(error as Error);
  }

  #disconnect(): void {
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    void this.#client.destroy();
    this.#socket.destroy();
  }
}

const silent = {
  kind: "headers-timeout",
  hint: "the server takes the connection but is silent: look at its log and load",
};

const stalled = {
  kind: "body-timeout",
  hint: "the server or the network stalls: look at the log and load of the server",
};
