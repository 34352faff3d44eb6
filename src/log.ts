import { writeSync } from "node:fs";
import type { ToldFailure } from "./failure.ts";
import type { Secrets } from "./secrets.ts";
import { errnoOf } from "./system-errors.ts";

const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];

/** One line of the log. */
export interface LogEvent {
  readonly level: Level;
  readonly event: string;
  readonly message: string;
  /** 1-based. */
  readonly step?: number;
  readonly steps?: number;
  readonly task?: string;
  readonly name?: string;
  readonly attempt?: number;
  readonly durationMs?: number;
  readonly error?: ToldFailure;
}

export type Emit = (event: LogEvent) => void;

/** Answers a function that writes events to standard error, redacted, as text or JSON lines. */
export function createLog(format: "text" | "json", level: Level, secrets: Secrets): Emit {
  const least = levels.indexOf(level);
  const toLine = format === "json" ? jsonLine : textLine;
  return (event) => {
    if (levels.indexOf(event.level) > least) return;
    write(2, `${toLine(new Date().toISOString(), secrets.redactAll(event))}\n`);
  };
}

function jsonLine(
  time: string,
  { level, event, message, step, steps, task, name, attempt, durationMs, error }: LogEvent,
): string {
  return JSON.stringify({ time, level, event, message, step, steps, task, name, attempt, durationMs, error });
}

function textLine(time: string, { level, event, message, step, steps, name, error }: LogEvent): string {
  const place = name === undefined ? "" : `[${step}/${steps}] ${name}: `;
  const mark = level === "error" ? "ERROR " : level === "warn" ? "warning: " : "";
  const hint = error?.hint && event !== "attempt.failed" ? `\n         hint: ${error.hint}` : "";
  return `${time.slice(11, 19)} ${mark}${place}${message}${hint}`;
}

/** Writes all of a text; a reader that has gone away is no reason to fail, one that is slow is waited for. */
export function write(descriptor: number, text: string): void {
  let rest: Buffer = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      if (errnoOf(error) !== "EAGAIN") return;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
    }
  }
}
