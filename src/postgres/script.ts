import { once } from "node:events";
import type { Connection } from "pg";

interface RunningScript {
  /** How many statements have ended well so far. */
  readonly completed: number;
  submit(connection: Connection): null;
}

/** Where the statement is that a script failed in. */
export class ScriptError extends Error {
  readonly error: unknown;
  readonly completed: number;

  constructor(error: unknown, completed: number) {
    super("a statement failed", { cause: error });
    this.error = error;
    this.completed = completed;
  }
}

export interface Script {
  readonly text: string;
  /** What a COPY … FROM STDIN in it reads. */
  readonly data?: string | undefined;
}

const noData = "there are no data for it here";

/**
 * A query in the form that the client takes: many statements in one message of the simple protocol. The client's own
 * query would keep every row and a result for each statement; this one only counts.
 */
export function script(
  { text, data }: Script,
  resolve: () => void,
  reject: (error: ScriptError) => void,
): RunningScript {
  let completed = 0;
  const ended = new AbortController();
  const handlers = {
    get completed() {
      return completed;
    },
    submit(connection: Connection) {
      connection.query(text);
      return null;
    },
    handleRowDescription() {},
    handleDataRow() {},
    handleEmptyQuery() {},
    handlePortalSuspended() {},
    handleCopyData() {},
    handleCommandComplete() {
      completed++;
    },
    handleCopyInResponse(connection: CopyConnection) {
      if (data === undefined) connection.sendCopyFail(noData);
      else void sendData(connection, data, ended.signal);
    },
    handleError(error: unknown) {
      ended.abort();
      reject(new ScriptError(error, completed));
    },
    handleReadyForQuery() {
      resolve();
    },
  };
  return handlers;
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
