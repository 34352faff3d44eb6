/** A time for people: `85ms`, `1.2s`, `2m5s`, `1h30m`. */
export function formatMs(ms: number): string {
  if (ms === Infinity) return "no limit";
  if (Math.round(ms) < 1000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${trim(ms / 1000)}s`;
  const total = Math.round(ms / 1000);
  const [hours, minutes, seconds] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60), total % 60];
  return `${hours ? `${hours}h` : ""}${minutes ? `${minutes}m` : ""}${seconds ? `${seconds}s` : ""}`;
}

const units = ["KiB", "MiB", "GiB", "TiB"];

/** A number of bytes for people: `512 B`, `1.5 MiB`. */
export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`;
  const power = Math.min(Math.floor(Math.log2(bytes) / 10), units.length);
  return `${trim(bytes / 1024 ** power)} ${units[power - 1]}`;
}

const trim = (number: number): string => number.toFixed(1).replace(/\.0$/, "");

/** `1 step`, `3 steps`. */
export function count(number: number, noun: string, plural = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : plural}`;
}

const maxQuoted = 400;

/**
 * A text from outside (a path, a name out of an archive, a server's words) in quotes, on one line, with
 * everything escaped that could steer a terminal or forge a log line. The middle of a very long one is left out.
 */
export function quote(text: string): string {
  return `"${escaped(text.length > maxQuoted ? `${beginningOf(text, maxQuoted / 2)}…${endOf(text)}` : text)}"`;
}

/** At most so many units of UTF-16, without half a character at the end. */
export const beginningOf = (text: string, length: number): string =>
  text.slice(0, length).replace(/[\ud800-\udbff]$/, "");

const endOf = (text: string): string => text.slice(-maxQuoted / 2).replace(/^[\udc00-\udfff]/, "");

/** A text as it stands in quotes. */
export const escaped = (text: string): string =>
  JSON.stringify(text)
    .slice(1, -1)
    .replace(
      /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
      (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );

/** What a server says, on one line, with nothing that could steer a terminal. */
export function serverWords(text: string): string {
  const lines = text.split(/[\r\n]+/).map((line) => line.trim());
  return lines
    .filter((line) => line !== "")
    .join(" / ")
    .replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, " ");
}
