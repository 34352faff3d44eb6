import { connect, type Socket } from "node:net";
import { Failure, type FailureCode } from "../failure.ts";
import { describeError, hintFor, interrupted, kindOf, noAnswer } from "./errors.ts";

export type Endpoint = { readonly host: string; readonly port: number } | { readonly path: string };

interface FailedEndpoint {
  readonly endpoint: Endpoint;
  readonly error: Error;
}

/** The next address is tried after this, whatever the ones before do (RFC 8305, section 5). */
const staggerMs = 250;

/** So many bytes that have come are read at once: in small portions a fast download costs more turns, and more time. */
const readAhead = 256 * 1024;

/** Connects to the first of several addresses that answers. The others are closed. */
export class Race {
  readonly #name: string;
  readonly #endpoints: readonly Endpoint[];
  readonly #signal: AbortSignal;
  readonly #code: FailureCode;
  readonly #waiting: Endpoint[];
  readonly #open = new Set<Socket>();
  readonly #failed: FailedEndpoint[] = [];
  readonly #winner = Promise.withResolvers<Socket>();
  #timer: NodeJS.Timeout | undefined;

  /** @param name of the target, for messages: `db:5432` */
  constructor(name: string, endpoints: readonly Endpoint[], signal: AbortSignal, code: FailureCode) {
    this.#name = name;
    this.#endpoints = endpoints;
    this.#waiting = [...endpoints];
    this.#signal = signal;
    this.#code = code;
    signal.addEventListener("abort", this.#onAbort);
    if (signal.aborted) this.#onAbort();
    else this.#next();
  }

  get winner(): Promise<Socket> {
    return this.#winner.promise;
  }

  #next(): void {
    clearTimeout(this.#timer);
    const endpoint = this.#waiting.shift();
    if (endpoint) this.#start(endpoint);
    else if (this.#open.size === 0) this.#lose(allFailed(this.#name, this.#failed, this.#code));
  }

  #start(endpoint: Endpoint): void {
    const options = { ...endpoint, noDelay: true, highWaterMark: readAhead };
    const socket = connect(options);
    this.#open.add(socket);
    // It stays on the winner, so that an error that nobody waits for ends no process.
    socket.on("error", (error) => {
      if (!this.#open.delete(socket)) return;
      this.#failed.push({ endpoint, error });
      this.#next();
    });
    socket.once("connect", () => {
      if (this.#open.delete(socket)) this.#end();
      this.#winner.resolve(socket);
    });
    if (this.#waiting.length > 0) this.#timer = setTimeout(() => this.#next(), staggerMs);
  }

  readonly #onAbort = (): void => {
    const answered = new Set(this.#failed.map(({ endpoint }) => endpoint));
    const silent = this.#endpoints.filter((endpoint) => !answered.has(endpoint)).map(addressOf);
    const known = this.#failed.map((each) => `; ${told(each)}`).join("");
    const doing = `connect to ${this.#name} (no answer from ${silent.join(", ")}${known})`;
    this.#lose(interrupted(this.#signal, this.#code, doing, { kind: "connect:timeout", hint: noAnswer }));
  };

  #lose(error: unknown): void {
    this.#end();
    this.#winner.reject(error);
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener("abort", this.#onAbort);
    for (const socket of this.#open) socket.destroy();
    this.#open.clear();
  }
}

function allFailed(name: string, failed: readonly FailedEndpoint[], code: FailureCode): Failure {
  const telling =
    failed.find(({ error }) => !isOrdinary(error)) ?? failed.find(({ error }) => isRefused(error));
  const { error } = telling ?? failed[0]!;
  return new Failure(code, `connect to ${described(name, failed)}`, {
    kind: kindOf("connect", error),
    hint: hintFor(error),
    cause: error,
  });
}

const errno = (error: Error): string | undefined => (error as NodeJS.ErrnoException).code;
const isRefused = (error: Error): boolean => errno(error) === "ECONNREFUSED";

/** A pod without IPv6 fails at once on such an address; what the others say tells more. */
const isOrdinary = (error: Error): boolean =>
  ["ECONNREFUSED", "EADDRNOTAVAIL", "EAFNOSUPPORT", "ENETUNREACH"].includes(errno(error) ?? "");

function described(name: string, failed: readonly FailedEndpoint[]): string {
  const [only, ...others] = failed;
  if (only === undefined || others.length > 0) return `${name}: ${failed.map(told).join("; ")}`;
  const address = addressOf(only.endpoint);
  const isAddress = name.startsWith(address) || name.startsWith(`[${address}]`);
  return `${isAddress ? name : `${name} (${address})`}: ${describeError(only.error)}`;
}

const told = ({ endpoint, error }: FailedEndpoint): string =>
  `${addressOf(endpoint)}: ${describeError(error)}`;

const addressOf = (endpoint: Endpoint): string => ("path" in endpoint ? endpoint.path : endpoint.host);
