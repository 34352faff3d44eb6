import { quote } from "./format.ts";
import { readSmallFile } from "./read-text.ts";
import type { Secrets } from "./secrets.ts";

export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly secrets: Secrets;
}

const placeholder = /\$\$\{|\$\{([^}]*)(\}?)/g;

/**
 * Replaces `${NAME}`, `${NAME:-default}` and `${file:/path}` in a value; `$${` stands for `${`.
 * What comes out is a value and nothing else: it is never parsed again.
 * @throws Error that names the placeholder
 */
export function interpolate(text: string, surroundings: Surroundings): string {
  if (!text.includes("${")) return text;
  return text.replace(placeholder, (match, inside: string, end: string) => {
    if (match === "$${") return "${";
    if (end === "") throw new Error('holds a "${" without its "}"; write "$${" for a literal one');
    return replacement(inside, surroundings);
  });
}

function replacement(inside: string, { env, secrets }: Surroundings): string {
  if (inside.startsWith("file:")) return secretFile(inside.slice("file:".length), secrets);
  const [, name, fallback] = /^([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?$/s.exec(inside) ?? [];
  if (name === undefined) {
    throw new Error(
      `holds ${quote(`\${${inside}}`)}, which is none of \${NAME}, \${NAME:-default}, \${file:/path}`,
    );
  }
  const variable = Object.hasOwn(env, name) ? env[name] : undefined;
  const value = variable || fallback;
  if (value !== undefined) return value;
  throw new Error(`needs the variable ${name}, which is ${variable === undefined ? "not set" : "empty"}`);
}

function secretFile(path: string, secrets: Secrets): string {
  const value = readSmallFile(path).replace(/\r?\n$/, "");
  if (value === "") throw new Error(`needs the file ${quote(path)}, which is empty`);
  secrets.add(value);
  return value;
}
