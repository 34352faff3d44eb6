import { writeSync } from "node:fs";
import { LiveLine } from "./live-line.ts";
import type { ToldFailure } from "./failure.ts";
import type { Secrets } from "./secrets.ts";
import { whenReady } from "./system-errors.ts";

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

export interface Emit {
  /** Answers whether the event was written: not where its level is left out. */
  (event: LogEvent): boolean;
  /** Shows what is going on, where somebody watches a terminal. */
  readonly live?: (text: string, share?: number) => void;
}

/** The same event with warnings behind its message. An error stays one, so they have to say that they are less. */
export function withWarnings(event: LogEvent, warnings: readonly string[]): LogEvent {
  if (warnings.length === 0) return event;
  if (event.level !== "error")
    return { ...event, level: "warn", message: [event.message, ...warnings].join("; ") };
  return { ...event, message: [event.message, ...warnings].join("; warning: ") };
}

/**
 * Answers a function that writes events to standard error, redacted, as text or JSON lines.
 * @param isWatched text goes to a terminal
 */
export function createLog(format: "text" | "json", level: Level, secrets: Secrets, isWatched = false): Emit {
  const least = levels.indexOf(level);
  const toLine = format === "json" ? jsonLine : textLine;
  const live = new LiveLine(
    (text) => writeIfPossible(2, text),
    (text) => secrets.redact(text),
  );
  const emit = (event: LogEvent) => {
    if (levels.indexOf(event.level) > least) return false;
    live.clear();
    writeIfPossible(2, `${toLine(new Date().toISOString(), secrets.redactAll(event))}\n`);
    return true;
  };
  if (!isWatched || format === "json" || least < levels.indexOf("info")) return emit;
  return Object.assign(emit, {
    live: (text: string, share?: number) => live.show(text, share),
  });
}

function jsonLine(
  time: string,
  { level, event, message, step, steps, task, name, attempt, durationMs, error }: LogEvent,
): string {
  return JSON.stringify({ time, level, event, message, step, steps, task, name, attempt, durationMs, error });
}

function textLine(time: string, { level, event, message, step, steps, name, error }: LogEvent): string {
  const isSummary = event === "run.failed" && step !== undefined;
  const place = name === undefined || isSummary ? "" : `[${step}/${steps}] ${name.replace(/\s+/g, " ")}: `;
  const mark = level === "error" ? "ERROR " : level === "warn" ? "warning: " : "";
  const hint =
    error?.hint && event !== "attempt.failed" && !isSummary ? `\n         hint: ${error.hint}` : "";
  return `${time.slice(11, 19)} ${mark}${place}${message}${hint}`;
}

/** Writes all of a text to a file, a terminal or a pipe, however slow its reader is. */
export function write(descriptor: number, text: string): void {
  let rest: Buffer = Buffer.from(text);
  while (rest.length > 0) rest = rest.subarray(whenReady(() => writeSync(descriptor, rest)));
}

/** A log whose reader has gone away, or whose disk is full, is no reason to fail. */
function writeIfPossible(descriptor: number, text: string): void {
  try {
    write(descriptor, text);
  } catch {
    // There is nowhere to tell it.
  }
}
