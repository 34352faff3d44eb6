import type { FailureCode } from "./failure.ts";
import type { Kind } from "./kinds.ts";
import * as kinds from "./kinds.ts";
import type { Attempt, RetryPolicy } from "./retry.ts";

/** One operand or option of a task, and all that the parser, the help and the schema know of it. */
export interface Field<T = unknown> {
  readonly kind: Kind<unknown>;
  readonly summary: string;
  /** The value as a user would write it, where none is given. */
  readonly default?: string;
  readonly repeated: boolean;
  readonly required: boolean;
  /** An operand that may also be given by its name: `to: /models`. */
  readonly named: boolean;
  /** Only for the compiler: the type that the field's value has. */
  readonly value?: T;
}

export type Fields = Readonly<Record<string, Field>>;

export type Values<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

export function option<T>(kind: Kind<T>, summary: string): Field<T | undefined>;
export function option<T>(kind: Kind<T>, summary: string, fallback: string): Field<T>;
export function option<T>(kind: Kind<T>, summary: string, fallback?: string): Field<T | undefined> {
  const field = { kind, summary, repeated: false, required: false, named: true };
  return fallback === undefined ? field : { ...field, default: fallback };
}

export function flag(summary: string): Field<boolean> {
  return option(kinds.flag, summary, "false");
}

export function repeated<T>(kind: Kind<T>, summary: string): Field<readonly T[]> {
  return { kind, summary, repeated: true, required: false, named: true };
}

export function operand<T>(kind: Kind<T>, summary: string, { named = false } = {}): Field<T> {
  return { kind, summary, repeated: false, required: true, named };
}

export function operands<T>(kind: Kind<T>, summary: string): Field<readonly T[]> {
  return { kind, summary, repeated: true, required: true, named: false };
}

/** How a task spends its time where the step does not say otherwise, as a user would write it. */
export interface Pacing {
  readonly timeout: string;
  readonly "attempt-timeout": string;
  readonly retries: string;
  readonly backoff: string;
}

/** Of a task that does its work on this machine: what fails there fails again, unless the user knows better. */
export const oneAttempt: Pacing = {
  timeout: "10m",
  "attempt-timeout": "0",
  retries: "0",
  backoff: "1s..30s",
};

/** How a step ended well. What stands in `report` becomes part of the step's entry in the report. */
export interface Result {
  readonly status: "done" | "unchanged";
  readonly message?: string | undefined;
  readonly report?: Readonly<Record<string, unknown>> | undefined;
}

export const done = (message?: string, report?: Result["report"]): Result => ({
  status: "done",
  message,
  report,
});
export const unchanged = (message?: string, report?: Result["report"]): Result => ({
  status: "unchanged",
  message,
  report,
});

export interface Log {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
  /**
   * What the step is doing right now; shown when the next progress line is due, and at once on a terminal.
   * @param share of it that is done, from 0 to 1
   */
  progress(message: string, share?: number): void;
}

/** What a task has of the outside world. */
export interface Context {
  /** Aborted when the attempt must end; its reason is the Failure to end with. */
  readonly signal: AbortSignal;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
  /** How this step retries, with its deadline. */
  readonly policy: RetryPolicy;
  /** When the step must have ended, be it for the run's sake, on the clock of `now()`; `Infinity` for no limit. */
  readonly endsAt: number;
  /**
   * Runs attempts as the step's policy says: for a task that paces itself (`pacedBy: "task"`).
   * @param label which of several things it waits for
   * @param within ends the attempts earlier than `signal` does
   */
  retry<T>(attempt: Attempt<T>, label?: string, within?: AbortSignal): Promise<T>;
}

/** For a task whose operand has many forms. */
export interface HelpTable {
  readonly head: readonly [left: string, right: string];
  readonly rows: () => readonly (readonly [left: string, right: string])[];
}

export interface Task<P extends Fields = Fields, O extends Fields = Fields> {
  /** The name of the file below tasks/, and of the key in a document. */
  readonly name: string;
  /** One sentence for help and README. */
  readonly summary: string;
  /** How it is written in arguments, where the operands do not tell. */
  readonly usage?: string;
  /** It cannot be written in arguments. */
  readonly documentOnly?: true;
  /** A table that help and README show behind the summary. */
  readonly table?: HelpTable;
  /** In the order of the command line. One of them may be a list. */
  readonly operands: P;
  readonly options: O;
  readonly pacing: Pacing;
  /** What these arguments change in the pacing: `until-success` of a command means unlimited retries. */
  pacingFor?(args: Values<P & O>): Partial<Pacing>;
  /** What it means when the step's time runs out. */
  readonly timeoutCode: FailureCode;
  /** `core` (default): each call of `run` is one attempt. `task`: one call, which uses `context.retry` itself. */
  readonly pacedBy?: "core" | "task";
  /** Finds mistakes that no single option shows; each throw is a configuration error. Touches nothing. */
  check?(args: Values<P & O>, env: Context["env"], holdsSecret: (text: string) => boolean): void;
  /** Throws a Failure; settles soon after `context.signal` aborts. */
  run(context: Context, args: Values<P & O>): Promise<Result>;
}

/** A task of any shape, as the core sees it: `plan` has parsed its arguments by its own fields. */
export type AnyTask = Task<Fields, Fields>;

export function defineTask<const P extends Fields, const O extends Fields>(task: Task<P, O>): AnyTask {
  return task as unknown as AnyTask;
}
