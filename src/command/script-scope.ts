import fs from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pause } from "../deadline.ts";
import { parseDuration } from "../kinds.ts";
import type { Pending } from "./script-pending.ts";
import type { ScopeName } from "./script-source.ts";

type Zx = typeof import("zx/core");
type Yaml = typeof import("yaml");

export type Scope = Readonly<Record<ScopeName, unknown>>;

interface Parts {
  readonly zx: Zx;
  readonly yaml: Yaml;
  readonly process: NodeJS.Process;
  readonly pending: Pending;
  readonly signal: AbortSignal;
}

export function scopeOf({ zx, yaml, process, pending, signal }: Parts): Scope {
  const { $, cd, which, within } = zx;
  const wait = (ms: number) => pending.begin(() => pause(ms, signal));
  return {
    $,
    cd,
    which,
    within,
    fs,
    os,
    path,
    process,
    YAML: yaml,
    require: createRequire(path.join(process.cwd(), "script.js")),
    echo,
    sleep: (duration: Duration) => wait(msOf(duration)),
    retry: retryWith(wait),
    fetch: (input: string | URL | Request, init?: RequestInit) =>
      pending.begin(() => fetch(input, { ...init, signal: eitherSignal(signal, init?.signal) })),
  };
}

/** As in zx: milliseconds, or a text such as `500ms` or `5s`. */
type Duration = number | string;

const msOf = (duration: Duration): number =>
  typeof duration === "number" ? duration : parseDuration(duration);

const eitherSignal = (signal: AbortSignal, other: AbortSignal | null | undefined): AbortSignal =>
  other ? AbortSignal.any([signal, other]) : signal;

type Action<T> = () => T | Promise<T>;

/** zx's `retry(COUNT, [PAUSE,] ACTION)`, with a pause that ends with the step. */
function retryWith(wait: (ms: number) => Promise<void>) {
  return async <T>(count: number, ...rest: [Action<T>] | [Duration, Action<T>]): Promise<T> => {
    const [duration, action] = rest.length === 1 ? [0, rest[0]] : rest;
    for (let attempt = 1; ; attempt++) {
      try {
        return await action();
      } catch (error) {
        if (attempt >= count) throw error;
        await wait(msOf(duration));
      }
    }
  };
}

/** zx's `echo`: words, or a template. */
function echo(...words: readonly unknown[]): void {
  const [first, ...values] = words;
  console.log(
    isTemplate(first) ? String.raw({ raw: first }, ...values.map(shown)) : words.map(shown).join(" "),
  );
}

const isTemplate = (word: unknown): word is TemplateStringsArray => Array.isArray(word) && "raw" in word;

/** The output of a command without its last line end. */
const shown = (word: unknown): string => (word instanceof Error ? String(word).trimEnd() : String(word));
