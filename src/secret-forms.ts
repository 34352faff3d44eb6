import { escaped, serverWords } from "./format.ts";

/** A secret as a message could hold it, but for what `patternOf` finds. */
export function formsOf(secret: string): string[] {
  const inSql = secret.replaceAll("'", "''");
  const escapedForms = [
    inSql,
    inSql.replaceAll("\\", "\\\\"),
    JSON.stringify(secret).slice(1, -1),
    escaped(secret),
    serverWords(secret),
    encodeURIComponent(secret.toWellFormed()),
  ];
  return [secret, ...escapedForms, ...(secret.length < shortest ? [] : base64Forms(secret))];
}

/** Alone, and where it is only a part of what is encoded: the password of `user:password`. */
function base64Forms(secret: string): string[] {
  const encoded = base64(secret);
  const all = [
    encoded,
    encoded.replace(/=+$/, ""),
    ...[0, 1, 2].map((offset) => base64Within(secret, offset)),
  ];
  return all.flatMap((form) => [form, form.replaceAll("+", "-").replaceAll("/", "_")]);
}

/** The characters of Base64 (RFC 4648, section 4) that a text alone decides, with so many other bytes before it. */
function base64Within(text: string, offset: number): string {
  const bytes = Buffer.concat([Buffer.alloc(offset), Buffer.from(text)]);
  return bytes.toString("base64").slice(Math.ceil((offset * 8) / 6), Math.floor((bytes.length * 8) / 6));
}

/** A shorter line may be a common word. */
const shortestLine = 8;
/** More than a chain of certificates with its key has. */
const mostLines = 1000;

/** The lines of a secret that has several: a tool that complains about a key file may show one of them. */
export function linesOf(secret: string): string[] {
  const lines = secret.split(/[\r\n]+/, mostLines);
  return lines.length < 2
    ? []
    : lines.map((line) => line.trim()).filter((line) => line.length >= shortestLine);
}

export const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** The text behind percent-encoding, where it is such. */
export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A shorter secret is hidden only where it is a word of its own. */
export const shortest = 4;
/** Nobody percent-encodes more than this, and a pattern of a whole key file would take long to match. */
const longestPattern = 500;

/** What finds a secret in a text: each character that URLs encode also in that form (RFC 3986, section 2.1). */
export function patternOf(secret: string): RegExp | string {
  const isPlain = /^[\w.~-]*$/.test(secret) || secret.length > longestPattern;
  if (isPlain && secret.length >= shortest) return secret;
  const anyForm = isPlain ? RegExp.escape(secret) : Array.from(secret.toWellFormed(), eitherForm).join("");
  return new RegExp(
    secret.length < shortest ? `(?<![\\p{L}\\p{N}_])${anyForm}(?![\\p{L}\\p{N}_])` : anyForm,
    "gu",
  );
}

function eitherForm(character: string): string {
  if (/^[A-Za-z0-9]$/.test(character)) return character;
  const bytes = Array.from(Buffer.from(character), (byte) => byte.toString(16).padStart(2, "0"));
  const hexadecimal = bytes.map(
    (byte) => `%${byte.replace(/[a-f]/g, (digit) => `[${digit}${digit.toUpperCase()}]`)}`,
  );
  return `(?:${RegExp.escape(character)}|${hexadecimal.join("")}${character === " " ? "|\\+" : ""})`;
}
