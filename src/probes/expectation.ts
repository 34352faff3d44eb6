import { quote } from "../format.ts";
import { kind, type Kind, pair } from "../kinds.ts";
import { type Path, sourceAt } from "./json-source.ts";

/** Which HTTP statuses are meant. */
export interface StatusSet {
  /** As written: `2xx,3xx`. */
  readonly text: string;
  has(status: number): boolean;
  /** A redirect is named by its number, so it is an answer, not to be followed. */
  readonly namesRedirect: boolean;
}

export const statuses: Kind<StatusSet> = kind("LIST|any", (text) => {
  const words = text
    .toLowerCase()
    .split(",")
    .map((word) => word.trim());
  const known = words.every((word) => /^[1-5](?:[0-9]{2}|xx)$/.test(word));
  if (text !== "any" && !known) throw new Error("is not a list of HTTP statuses; write 200,204,3xx, or any");
  return {
    text,
    has: (status) =>
      text === "any" || words.some((word) => word === `${status}` || word === `${String(status)[0]}xx`),
    namesRedirect: words.some((word) => /^3[0-9]{2}$/.test(word)),
  };
});

/** A method of HTTP that has an ordinary answer. */
export const method: Kind<string> = kind("METHOD", (text) => {
  const name = text.toUpperCase();
  if (!/^[A-Z-]+$/.test(name)) throw new Error("is not an HTTP method");
  if (name === "CONNECT" || name === "TRACE") throw new Error("is a method that wait-for cannot use");
  return name;
});

/** A regular expression of JavaScript; `^` and `$` are at line ends too. */
export const regex: Kind<RegExp> = kind("REGEX", (text) => {
  try {
    return new RegExp(text, "m");
  } catch (error) {
    throw new Error(`is not a regular expression: ${(error as Error).message}`, { cause: error });
  }
});

/** A value somewhere in a JSON document, and the text that is expected there. */
export interface JsonExpectation {
  /** As written: `items[0].name`. */
  readonly text: string;
  readonly path: Path;
  readonly value: string;
}

export const jsonExpectation: Kind<JsonExpectation> = kind("PATH=VALUE", (word) => {
  const { name, value } = pair.parse(word);
  return { text: name, path: parsePath(name), value };
});

function parsePath(text: string): (string | number)[] {
  if (!/^(?:[^.[\]]+|\[[0-9]+\])(?:\.[^.[\]]+|\[[0-9]+\])*$/.test(text)) {
    throw new Error(`has a path ${quote(text)} that is not of the form name.other[0].name`);
  }
  const parts = text.matchAll(/\[([0-9]+)\]|([^.[\]]+)/g);
  return [...parts].map(([, index, name]) => (index === undefined ? name! : Number(index)));
}

/** A JSON document with its text: numbers are compared in the form that they were written in. */
export interface JsonDocument {
  readonly text: string;
  readonly value: unknown;
}

/** @throws SyntaxError */
export const parseJson = (text: string): JsonDocument => ({ text, value: JSON.parse(text) });

/** What stands at the path as text, or undefined. A text stands for itself, all else for its JSON. */
export function textAt({ text, value }: JsonDocument, path: Path): string | undefined {
  const found = path.reduce(step, value);
  if (typeof found === "string" || found === undefined) return found;
  const source = sourceAt(text, path);
  return source.length > longest ? source : JSON.stringify(asWritten(source));
}

/** Nobody expects a longer value; what a server sends may be of any kind. */
const longest = 64 * 1024;

function step(value: unknown, key: string | number): unknown {
  if (Array.isArray(value)) return typeof key === "number" ? (value as unknown[])[key] : undefined;
  const isObject = typeof value === "object" && value !== null;
  return isObject && Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
}

/** With every number as it is written. That takes a hundred times the memory of the text, so it is for a part of a document. */
const asWritten = (text: string): unknown =>
  json.parse(text, (_, value, { source }) =>
    typeof value === "number" && source !== undefined ? json.rawJSON(source) : value,
  );

/** What the compiler's library does not know yet (ECMAScript: JSON.parse source text access). */
const json = JSON as unknown as {
  parse(
    text: string,
    reviver: (key: string, value: unknown, context: { source?: string }) => unknown,
  ): unknown;
  rawJSON(text: string): object;
};
