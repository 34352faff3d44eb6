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

const noCopy = "COPY FROM STDIN has no data to read here; write INSERT statements instead";

/**
 * A query in the form that the client takes: many statements in one message of the simple protocol. The client's own
 * query would keep every row and a result for each statement; this one only counts.
 */
export function script(
  text: string,
  resolve: () => void,
  reject: (error: ScriptError) => void,
): RunningScript {
  let completed = 0;
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
    handleCopyInResponse(connection: Connection & { sendCopyFail(message: string): void }) {
      connection.sendCopyFail(noCopy);
    },
    handleError(error: unknown) {
      reject(new ScriptError(error, completed));
    },
    handleReadyForQuery() {
      resolve();
    },
  };
  return handlers;
}
