import { beginningOf } from "../../format.ts";

const hidden = new Set<string>();
/** A shorter one would be found within other words, and is none that AWS gives. */
const shortest = 8;

/** Remembers what no message may hold: secrets that come from a file or a server, so that no variable tells them. */
export function hide(...secrets: readonly (string | undefined)[]): void {
  for (const secret of secrets) if (secret !== undefined && secret.length >= shortest) hidden.add(secret);
}

/** The words of a server on one line, of a length that a message can take, and without what was hidden. */
export function wordsOf(text: string): string {
  const redacted = [...hidden]
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  const words = redacted.replace(/[\p{C}\s]+/gu, " ").trim();
  return words.length > 300 ? `${beginningOf(words, 300)}…` : words;
}
