import { now } from "./deadline.ts";
import { type Failure, told } from "./failure.ts";
import { count, formatMs } from "./format.ts";
import type { Emit, Level, LogEvent } from "./log.ts";
import type { Log, Result } from "./task.ts";

const minute = 60_000;
/** A step says at least this often that it is alive. */
const heartbeatMs = 9_000;
/** Lines a minute besides the heartbeat's seven, the first and the last: together at most 20. */
const linesAMinute = 10;

type StepFields = Pick<LogEvent, "step" | "steps" | "task" | "name">;

/** What one step writes: identical failures are folded, and never more than 20 lines a minute. */
export class StepLog implements Log, Disposable {
  readonly #emit: Emit;
  readonly #fields: StepFields;
  readonly #startedAt = now();
  readonly #timer: NodeJS.Timeout;
  readonly #lastFailure = new Map<string, string>();
  #written: number[] = [];
  #leftOut = 0;
  #failures = 0;
  #latest = "";

  constructor(emit: Emit, fields: StepFields) {
    this.#emit = emit;
    this.#fields = fields;
    this.#timer = setInterval(() => this.#heartbeat(), heartbeatMs);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  get #durationMs(): number {
    return Math.round(now() - this.#startedAt);
  }

  started(): void {
    this.#tell("info", "step.start", "started");
  }

  skipped(reason: string): { status: "skipped"; durationMs: number } {
    this.#tell("info", "step.skipped", `skipped: ${reason}`);
    return { status: "skipped", durationMs: this.#durationMs };
  }

  ended({ status, message }: Result, attempt: number): { status: Result["status"]; durationMs: number } {
    const durationMs = this.#durationMs;
    const text = `${message ? `${status}: ${message}` : status} (${formatMs(durationMs)})`;
    this.#tell("info", `step.${status}`, text, { durationMs, attempt });
    return { status, durationMs };
  }

  /** @param optional the run goes on all the same */
  failed(
    failure: Failure,
    attempt: number,
    optional: boolean,
  ): { status: "failed"; durationMs: number; optional?: true } {
    const durationMs = this.#durationMs;
    const more = { durationMs, attempt, error: told(failure) };
    this.#tell(optional ? "warn" : "error", "step.failed", `failed: ${failure.message}`, more);
    return { status: "failed", durationMs, ...(optional && { optional }) };
  }

  debug(message: string): void {
    this.#limited("debug", "step.progress", message);
  }

  info(message: string): void {
    this.#limited("info", "step.progress", message);
  }

  warn(message: string): void {
    this.#limited("warn", "step.progress", message);
  }

  progress(message: string, share?: number): void {
    this.#latest = message;
    this.#emit.live?.(message, share);
  }

  /**
   * The same failure again is only counted.
   * @param label which of several things the step waits for
   */
  attemptFailed(failure: Failure, attempt: number, label = ""): void {
    const message = label ? `${label}: ${failure.message}` : failure.message;
    this.#failures++;
    this.#latest = message;
    if (this.#lastFailure.get(label) === message) return;
    this.#lastFailure.set(label, message);
    this.#limited(failure.permanent ? "error" : "warn", "attempt.failed", message, {
      attempt,
      error: told(failure),
    });
  }

  #tell(level: Level, event: string, message: string, more: Partial<LogEvent> = {}): boolean {
    return this.#emit({ level, event, message, ...this.#fields, ...more });
  }

  #limited(level: Level, event: string, message: string, more: Partial<LogEvent> = {}): void {
    const since = now() - minute;
    this.#written = this.#written.filter((at) => at > since);
    if (this.#written.length >= linesAMinute) return void this.#leftOut++;
    if (this.#tell(level, event, message, more)) this.#written.push(now());
  }

  #heartbeat(): void {
    const failures = this.#failures > 0 ? `, ${count(this.#failures, "failed attempt")}` : "";
    const leftOut = this.#leftOut > 0 ? `, ${count(this.#leftOut, "line")} left out` : "";
    const detail = this.#latest ? `: ${this.#latest}` : "";
    this.#tell(
      "info",
      "step.progress",
      `running for ${formatMs(this.#durationMs)}${failures}${leftOut}${detail}`,
      {
        durationMs: this.#durationMs,
      },
    );
    this.#leftOut = 0;
  }
}
