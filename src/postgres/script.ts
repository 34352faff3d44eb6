import { once } from "node:events";
import type { Connection } from "pg";
import Query from "pg/lib/query.js";
import { isServerError } from "./errors.ts";

/** Where the statement is that a script failed in. */
export class ScriptError extends Error {
  readonly error: unknown;
  /** How many statements have ended well; undefined where the script was not begun, for its guard failed. */
  readonly completed: number | undefined;

  constructor(error: unknown, completed: number | undefined) {
    super("a statement failed", { cause: error });
    this.error = error;
    this.completed = completed;
  }
}

/**
 * Statements, in ASCII, that go before a script in the same message, so that it is not begun where they fail: for want
 * of a transaction (SQLSTATE 25P01), or in one that has failed (25P02).
 */
export interface Guard {
  readonly sql: string;
  readonly statements: number;
}

export interface ScriptOptions {
  readonly guard?: Guard | undefined;
  /** What a COPY … FROM STDIN, as the last statement, reads. */
  readonly data?: string | undefined;
}

const noData = "there are no data for it here";
const noGuard: Guard = { sql: "", statements: 0 };

/**
 * Many statements in one message of the simple protocol. The client's own query would keep every row and a result for
 * each statement; this one only counts.
 */
export class Script extends Query {
  readonly #guard: Guard;
  readonly #data: string | undefined;
  readonly #over = Promise.withResolvers<void>();
  readonly #failed = new AbortController();
  #completed = 0;

  constructor(text: string, { guard = noGuard, data }: ScriptOptions) {
    super(guard.sql + text);
    this.#guard = guard;
    this.#data = data;
  }

  /** @throws ScriptError */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  override handleRowDescription(): void {}
  override handleDataRow(): void {}
  override handleEmptyQuery(): void {}

  override handleCommandComplete(): void {
    this.#completed++;
  }

  override handleCopyInResponse(connection: CopyConnection): void {
    if (this.#data === undefined) connection.sendCopyFail(noData);
    else void sendData(connection, this.#data, this.#failed.signal);
  }

  override handleError(error: unknown): void {
    this.#failed.abort();
    this.#over.reject(new ScriptError(this.#behindGuard(error), this.#completedBefore(error)));
  }

  override handleReadyForQuery(): void {
    this.#over.resolve();
  }

  /** A message that cannot be parsed fails before its first statement, so that alone says nothing of the guard. */
  #completedBefore(error: unknown): number | undefined {
    const completed = this.#completed - this.#guard.statements;
    const guardFailed = completed < 0 && isServerError(error) && /^25P0[12]$/.test(error.code);
    return guardFailed ? undefined : Math.max(0, completed);
  }

  /** The server counts from the beginning of the message. */
  #behindGuard(error: unknown): unknown {
    if (isServerError(error) && error.position !== undefined)
      error.position = String(Number(error.position) - this.#guard.sql.length);
    return error;
  }
}

/** The client's part of COPY (PostgreSQL manual, 55.2.6); its types do not know it. */
type CopyConnection = Connection & {
  sendCopyFromChunk(chunk: Uint8Array): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
};

const chunkBytes = 64 * 1024;

/** Sends no faster than the server reads, until it has all or has found an error. */
async function sendData(connection: CopyConnection, data: string, ended: AbortSignal): Promise<void> {
  const bytes = Buffer.from(data);
  try {
    for (let at = 0; at < bytes.length && !ended.aborted; at += chunkBytes) {
      connection.sendCopyFromChunk(bytes.subarray(at, at + chunkBytes));
      if (connection.stream.writableNeedDrain) await once(connection.stream, "drain", { signal: ended });
    }
    if (!ended.aborted) connection.endCopyFrom();
  } catch {
    // The script has failed already, or its connection has, which says so itself.
  }
}
