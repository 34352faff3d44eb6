import { quote } from "./format.ts";

/** What stands at a path in JSON from elsewhere, of whose form nothing is certain. */
export function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce(step, value);
}

function step(value: unknown, key: string): unknown {
  const isObject = typeof value === "object" && value !== null && Object.hasOwn(value, key);
  return isObject ? (value as Record<string, unknown>)[key] : undefined;
}

/** Empty where there is no text. */
export function textAt(value: unknown, ...path: readonly string[]): string {
  const found = at(value, ...path);
  return typeof found === "string" ? found : "";
}

export function numberAt(value: unknown, ...path: readonly string[]): number | undefined {
  const found = at(value, ...path);
  return typeof found === "number" ? found : undefined;
}

/** Empty where there is no list. */
export function listAt(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path);
  return Array.isArray(found) ? found : [];
}

/** The server's words, for a message: in quotes of their own, without more of the same inside. */
export const said = (text: string): string => quote(text.replaceAll('"', "'"));
