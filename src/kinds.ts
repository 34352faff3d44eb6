import type { Origin } from "./raw-step.ts";
import { isSecretName } from "./secrets.ts";

/** The kinds of values that options and operands have: a form to show, a parser, and a JSON Schema. */
export interface Kind<T> {
  /** How help names the value: `DURATION`, `yes|no`. */
  readonly form: string;
  /** Throws an Error that completes the sentence "X …": `is not a duration; write 500ms or 30s`. */
  parse(text: string, origin?: Origin): T;
  readonly schema: JsonSchema;
  /** What a bare flag stands for. An option that has it never takes the next word. */
  readonly bare?: string;
  /** The value is taken as it stands, without interpolation. */
  readonly verbatim?: boolean;
  /** Whether a value of this kind is to be hidden, or which part of it. */
  secretIn?(text: string): readonly string[];
}

/** What a document may have as a mapping: what stands between a name and its value, in `NAME=VALUE` or `NAME: VALUE`. */
export const jointOf = ({ form }: Kind<unknown>): string | undefined =>
  /^[A-Z]+(=|: )[A-Z]+$/.exec(form)?.[1];

/** Whether one value is a list, separated by commas, that a document may write as a list of its own. */
export const isList = ({ form }: Kind<unknown>): boolean => form.startsWith("LIST");

export type JsonSchema = { readonly [key: string]: unknown };

/** A list of values written in one word has no place here: a repeated option is a list. */
export function kind<T>(form: string, parse: Kind<T>["parse"], extra: Partial<Kind<T>> = {}): Kind<T> {
  return { form, parse, schema: textSchema, ...extra };
}

const textSchema: JsonSchema = { type: ["string", "number", "boolean"] };

export const text = kind("TEXT", (value) => value);

export const path: Kind<string> = kind("PATH", (value) => {
  if (value === "") throw new Error("is empty; write a path");
  if (value.includes("\0")) throw new Error("holds a NUL byte");
  return value;
});

const yes = new Set(["true", "yes", "on", "1"]);
const no = new Set(["false", "no", "off", "0"]);

export const flag: Kind<boolean> = kind(
  "",
  (value) => {
    if (yes.has(value.toLowerCase())) return true;
    if (no.has(value.toLowerCase())) return false;
    throw new Error("is neither true nor false");
  },
  { bare: "true", schema: { type: "boolean" } },
);

export function oneOf<const T extends string>(...words: readonly T[]): Kind<T> {
  return kind(
    words.join("|"),
    (value) => {
      const word = words.find((each) => each === value);
      if (word === undefined) throw new Error(`is not one of ${words.join(", ")}`);
      return word;
    },
    { schema: { enum: words } },
  );
}

/** A whole number of at least `least`, written in decimal. */
export function integer(least = 0, form = "N"): Kind<number> {
  return kind(
    form,
    (value) => {
      const number = /^[0-9]+$/.test(value) ? Number(value) : Number.NaN;
      if (!Number.isSafeInteger(number) || number < least) {
        throw new Error(`is not a whole number of at least ${least}`);
      }
      return number;
    },
    { schema: { type: "integer", minimum: least } },
  );
}

const unitMs: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  "\u00b5s": 1e-3,
  "\u03bcs": 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};

/** Milliseconds from Go's form (`500ms`, `1h30m`, `1.5s`) or whole seconds. */
export function parseDuration(value: string): number {
  if (/^[0-9]+$/.test(value)) return checkedMs(Number(value) * 1000);
  if (!/^(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|\u00b5s|\u03bcs|ms|s|m|h))+$/.test(value))
    throw notADuration();
  const parts = value.matchAll(/([0-9.]+)(ns|us|\u00b5s|\u03bcs|ms|s|m|h)/g);
  return checkedMs(parts.reduce((sum, [, number, unit]) => sum + Number(number) * unitMs[unit!]!, 0));
}

const notADuration = () => new Error("is not a duration; write 500ms, 30s, 1h30m, or whole seconds");

function checkedMs(ms: number): number {
  if (ms > 10 * 365 * 24 * unitMs["h"]!) throw new Error("is longer than ten years; write 0 for no limit");
  return ms;
}

const durationSchema: JsonSchema = {
  anyOf: [
    { type: "integer", minimum: 0 },
    { type: "string", pattern: "^([0-9]+|(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u00b5s|ms|s|m|h))+)$" },
  ],
};

/** A time in milliseconds. */
export const duration: Kind<number> = kind("DURATION", parseDuration, { schema: durationSchema });

/** A time limit in milliseconds, where `0` means none. */
export const timeLimit: Kind<number> = kind("DURATION", (value) => parseDuration(value) || Infinity, {
  schema: durationSchema,
});

const unitBytes: Record<string, number> = {
  "": 1,
  b: 1,
  k: 1e3,
  kb: 1e3,
  kib: 1024,
  ki: 1024,
  m: 1e6,
  mb: 1e6,
  mib: 1024 ** 2,
  mi: 1024 ** 2,
  g: 1e9,
  gb: 1e9,
  gib: 1024 ** 3,
  gi: 1024 ** 3,
  t: 1e12,
  tb: 1e12,
  tib: 1024 ** 4,
  ti: 1024 ** 4,
};

/** A number of bytes: `10MiB`, `1GB`, `512Mi`, or plain bytes. */
export const size: Kind<number> = kind(
  "SIZE",
  (value) => {
    const [, number, unit] = /^([0-9]+(?:\.[0-9]+)?) ?([a-zA-Z]*)$/.exec(value) ?? [];
    const factor = unitBytes[unit?.toLowerCase() ?? "?"];
    const bytes = Math.floor(Number(number) * (factor ?? Number.NaN));
    if (!Number.isSafeInteger(bytes))
      throw new Error("is not a size; write 10MiB, 1GB, or a number of bytes");
    return bytes;
  },
  {
    schema: {
      anyOf: [
        { type: "integer", minimum: 0 },
        { type: "string", pattern: "^[0-9]" },
      ],
    },
  },
);

export interface Pair {
  readonly name: string;
  readonly value: string;
}

/** `NAME=VALUE`; in a document also a mapping. */
export const pair: Kind<Pair> = kind(
  "NAME=VALUE",
  (value) => {
    const at = value.indexOf("=");
    if (at < 1) throw new Error("is not of the form NAME=VALUE");
    return { name: value.slice(0, at), value: value.slice(at + 1) };
  },
  { secretIn: secretInPair },
);

/** The value of a pair whose name says that it is a secret. */
export function secretInPair(text: string): readonly string[] {
  const [name = "", value = ""] = text.split(/=(.*)/s);
  return isSecretName(name) ? [value] : [];
}

/** `PRIVATE-TOKEN` and `X-Api-Key` are secrets too, and what stands behind `Bearer` where the name is forgotten. */
const isSecretHeader = (name: string): boolean =>
  /^(authorization|cookie|proxy-authorization|basic|bearer)$/i.test(name) ||
  isSecretName(name.replaceAll("-", "_"));

/** An HTTP header `Name: value` (RFC 9110, section 5). */
export const header: Kind<Pair> = kind(
  "NAME: VALUE",
  (value) => {
    const [, name, content] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(value) ?? [];
    if (name === undefined) throw new Error("is not a header; write Name: value");
    return { name, value: content! };
  },
  {
    secretIn(value) {
      // Also where the colon is forgotten, for then the value is shown.
      const [, name = "", content = ""] = /^\s*([^:=\s]+)[:=\s]\s*(.*?)\s*$/s.exec(value) ?? [];
      const credentials = content.replace(/^[A-Za-z-]+\s+/, "");
      return isSecretHeader(name) ? [content, credentials] : [];
    },
  },
);

/** A text that is hidden wherever it would be shown. */
export const secret: Kind<string> = kind("SECRET", (value) => value, { secretIn: (value) => [value] });

/** The number of further attempts; `Infinity` for `unlimited`. */
export const retries: Kind<number> = kind(
  "N|unlimited",
  (value) => {
    if (value === "unlimited") return Infinity;
    if (!/^[0-9]{1,9}$/.test(value)) throw new Error("is neither a whole number nor unlimited");
    return Number(value);
  },
  { schema: { anyOf: [{ type: "integer", minimum: 0 }, { const: "unlimited" }] } },
);

/** Pauses between attempts, in milliseconds: they grow from `first` to `max`, or are fixed where there is no `max`. */
export interface Backoff {
  readonly first: number;
  readonly max?: number;
}

export const backoff: Kind<Backoff> = kind("FIRST..MAX", (value) => {
  const [first, max, ...rest] = value.split("..");
  if (first === undefined || rest.length > 0) throw new Error("is not a backoff; write 200ms..10s or 2s");
  const from = parsePause(first);
  if (max === undefined) return { first: from };
  const to = parsePause(max);
  if (from > to) throw new Error("has a first pause longer than its last");
  return { first: from, max: to };
});

function parsePause(value: string): number {
  const ms = parseDuration(value);
  if (ms === 0) throw new Error("has a pause of 0; write at least 1ms");
  return ms;
}
