/** So it is unless a step finds the mistake: in files that are read when its turn comes. */
const nothingHasRun = "; nothing has run";

/**
 * The exit table: one row for each way a run can end other than well.
 * `retryable` says whether another try of the same thing can help.
 */
const table = {
  internal: { exitCode: 1, retryable: false, meaning: "a defect in initkit itself" },
  configuration: { exitCode: 2, retryable: false, meaning: `configuration or usage error${nothingHasRun}` },
  "not-ready": { exitCode: 10, retryable: true, meaning: "not ready in time" },
  "source-unavailable": { exitCode: 11, retryable: true, meaning: "source unavailable or too slow" },
  "database-unavailable": {
    exitCode: 12,
    retryable: true,
    meaning: "database unavailable, or lock not granted in time",
  },
  "command-timeout": { exitCode: 13, retryable: true, meaning: "cut off by its timeout" },
  io: { exitCode: 14, retryable: true, meaning: "file system: no space, or an I/O error" },
  refused: { exitCode: 20, retryable: false, meaning: "refused for good" },
  integrity: {
    exitCode: 21,
    retryable: false,
    meaning: "integrity: checksum mismatch, or a corrupt, unsafe or oversized archive",
  },
  sql: { exitCode: 22, retryable: false, meaning: "an SQL statement failed" },
  history: { exitCode: 23, retryable: false, meaning: "the files contradict the history of the database" },
  access: {
    exitCode: 24,
    retryable: false,
    meaning: "file system: permission denied, read-only, or no such file",
  },
  "command-failed": { exitCode: 25, retryable: false, meaning: "the command failed or could not be started" },
  "run-timeout": { exitCode: 124, retryable: true, meaning: "the timeout of the whole run" },
  signal: { exitCode: 128, retryable: true, meaning: "ended by a signal" },
} as const satisfies Record<string, { exitCode: number; retryable: boolean; meaning: string }>;

export type FailureCode = keyof typeof table;

export const failureCodes = Object.keys(table) as FailureCode[];

export interface FailureOptions {
  /** What the reader should check or do next. */
  hint?: string | undefined;
  cause?: unknown;
  /** Overrides what the code says about retrying: false for a command that ended with a failure of its own. */
  permanent?: boolean | undefined;
  /** The server asked for this pause, in milliseconds, before another attempt. */
  retryAfter?: number | undefined;
  /** What sort of failure it is, finer than the code: a new kind makes the pauses short again. */
  kind?: string | undefined;
  /** The attempt moved forward before it failed, so the retries start anew. */
  progressed?: boolean | undefined;
  /** How the command ended, for `run`. */
  command?: CommandEnd | undefined;
  /** The number of the signal that ended the run. */
  signal?: number | undefined;
  /** What becomes part of the step's entry in the report. */
  report?: Readonly<Record<string, unknown>> | undefined;
}

export type CommandEnd = { exitCode: number } | { signal: string };

/** A failure that a user can act on: a code of the exit table, what happened, and what to do. */
export class Failure extends Error {
  override readonly name = "Failure";
  readonly options: FailureOptions;
  readonly code: FailureCode;
  readonly exitCode: number;
  readonly permanent: boolean;
  readonly hint: string | undefined;
  readonly retryAfter: number | undefined;
  readonly progressed: boolean;
  readonly kind: string;
  readonly command: CommandEnd | undefined;
  readonly report: Readonly<Record<string, unknown>> | undefined;

  constructor(code: FailureCode, message: string, options: FailureOptions = {}) {
    super(message, { cause: options.cause });
    this.options = options;
    this.code = code;
    this.exitCode = table[code].exitCode + (options.signal ?? 0);
    this.permanent = options.permanent ?? !table[code].retryable;
    this.hint = options.hint;
    this.retryAfter = options.retryAfter;
    this.progressed = options.progressed ?? false;
    this.kind = options.kind ?? code;
    this.command = options.command;
    this.report = options.report;
  }
}

/** The same failure with another message. */
export function restate({ code, options }: Failure, message: string): Failure {
  return new Failure(code, message, options);
}

/**
 * `exit code 12: database unavailable, …; another try can help`.
 * @param failedStep undefined where no step has begun
 */
export function exitLine({ code, exitCode }: Failure, failedStep: number | undefined): string {
  const { meaning, retryable } = table[code];
  const told = failedStep === undefined ? meaning : meaning.replace(nothingHasRun, "");
  return `exit code ${exitCode}: ${told}${retryable ? "; another try can help" : ""}`;
}

/** Anything thrown, as a Failure: what is not one already is a defect of initkit. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error;
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  return new Failure("internal", `unexpected error: ${message}`, {
    hint: `this is a defect in initkit; please report it with this trace\n${stack}`,
    cause: error,
  });
}

/** A failure as logs and the report tell it. */
export interface ToldFailure {
  readonly code: FailureCode;
  readonly exitCode: number;
  readonly message: string;
  readonly hint?: string;
  readonly permanent: boolean;
  readonly command?: CommandEnd;
}

export function told({ code, exitCode, message, hint, permanent, command }: Failure): ToldFailure {
  return { code, exitCode, message, ...(hint && { hint }), permanent, ...(command && { command }) };
}

/** The rows of the exit table as the documentation shows them. */
export function exitTable(): { shown: string; code: FailureCode; meaning: string; retryable: boolean }[] {
  return failureCodes.map((code) => {
    const { exitCode, meaning, retryable } = table[code];
    return { shown: code === "signal" ? "128+n" : String(exitCode), code, meaning, retryable };
  });
}
