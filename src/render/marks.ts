import type { Pair } from "../kinds.ts";

export interface MarkOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The only variables that are replaced; all of them where there is none. */
  readonly only: readonly string[];
  /** Other marks, and what they stand for. */
  readonly set: readonly Pair[];
}

/** What a template holds in place of a value. Its texts are latin1: a character for a byte, whatever the encoding. */
export interface Mark {
  readonly start: number;
  readonly end: number;
  readonly value: string;
  /** Why it has no value. */
  readonly gap?: Gap;
}

/** A variable that is not set, or the beginning of a `${` that is of no form that has a meaning here. */
export type Gap = { readonly unset: string } | { readonly form: string };

/** Bounds, so that a mark is known for one without looking farther ahead; what is longer is none. */
const anyName = "[A-Za-z_][A-Za-z0-9_]{0,255}";
const fallback = "[^}]{0,65535}";
const longestVariable = 66_000;

/**
 * The marks of a template: `${NAME}`, `${NAME:-default}` and `$${` for a literal `${`, as in the values of options, and
 * those that `set` names. `$NAME` is none, nor is a `${` with no name behind it. Any other `${NAME` is one without a
 * value, such as `${NAME:?text}`, for it would be left behind in silence.
 * With `only`, marks are those of the variables named there, a literal one included, and everything else stays.
 */
export class Marks {
  /** In bytes: no mark is longer. */
  readonly longest: number;
  readonly #pattern: RegExp;
  readonly #env: MarkOptions["env"];
  readonly #values: ReadonlyMap<string, string>;

  constructor({ env, only, set }: MarkOptions) {
    this.#env = env;
    this.#values = new Map(set.map(({ name, value }) => [latin1(name), latin1(value)]));
    const names = [...this.#values.keys(), ...only];
    this.longest = Math.max(...names.map(({ length }) => length), 0) + longestVariable;
    this.#pattern = new RegExp([...placeholders(this.#values), ...variables(only)].join("|"), "g");
  }

  /** Finds them from left to right. */
  *in(text: string): Generator<Mark> {
    for (const match of text.matchAll(this.#pattern)) {
      const [whole] = match;
      yield { start: match.index, end: match.index + whole.length, ...this.#meaning(match.groups!) };
    }
  }

  #meaning(groups: Groups): Pick<Mark, "value" | "gap"> {
    const { placeholder, literal, name, fallback: otherwise, form } = groups;
    if (placeholder !== undefined) return { value: this.#values.get(placeholder)! };
    if (literal !== undefined) return { value: literal };
    if (name !== undefined) return this.#variable(name, otherwise);
    return { value: "", gap: { form: form! } };
  }

  /** An empty variable gives way to a default, as in sh(1), and else is an empty text: it is not undefined. */
  #variable(name: string, otherwise: string | undefined): Pick<Mark, "value" | "gap"> {
    const variable = Object.hasOwn(this.#env, name) ? this.#env[name] : undefined;
    if (variable) return { value: latin1(variable) };
    const value = otherwise ?? variable;
    return value === undefined ? { value: "", gap: { unset: name } } : { value };
  }
}

type Groups = Readonly<Record<string, string | undefined>>;

const latin1 = (text: string): string => Buffer.from(text).toString("latin1");

/** The longest comes first, for the first that fits is taken. */
function placeholders(values: ReadonlyMap<string, string>): string[] {
  if (values.size === 0) return [];
  const longestFirst = [...values.keys()].toSorted((a, b) => b.length - a.length);
  return [`(?<placeholder>${longestFirst.map((each) => RegExp.escape(each)).join("|")})`];
}

function variables(only: readonly string[]): string[] {
  if (only.length === 0) return [String.raw`\$(?<literal>\$\{)`, variable(anyName), otherForm];
  const names = `(?:${only.join("|")})`;
  return [String.raw`\$(?<literal>\$\{${names}(?::-${fallback})?\})`, variable(names)];
}

const variable = (names: string): string =>
  String.raw`\$\{(?<name>${names})(?::-(?<fallback>${fallback}))?\}`;

/**
 * A name and printable text in UTF-8, up to the brace or the end of the line; so binary content hardly ever looks like
 * it. Only how it begins is ever shown.
 */
const printable = String.raw`(?:[\t -|~]|[\xc2-\xf4][\x80-\xbf]{1,3}){0,200}`;
const otherForm = String.raw`(?<form>\$\{${anyName}[!-/:-@[-^{|~]{0,2})${printable}(?:\}|(?=\r?\n)|$)`;
