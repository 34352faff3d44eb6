import { shortest } from "./secret-forms.ts";

/** From where to where in a text. */
export type Span = readonly [start: number, end: number];

const mask = "***";

/** Where a pattern matches. */
export function* spansOf(text: string, pattern: RegExp | string): Generator<Span> {
  if (typeof pattern !== "string") {
    for (const { index, 0: found } of text.matchAll(pattern)) yield [index, index + found.length];
    return;
  }
  for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + pattern.length))
    yield [at, at + pattern.length];
}

/** No message shows so much of a text that it cuts. */
const longestCut = 4096;

/** What stands of a secret before and behind the ellipsis that takes the place of the rest of it. */
export function* cutAt(text: string, ellipsis: number, secret: string): Generator<Span> {
  if (secret.length <= shortest) return;
  const longest = Math.min(secret.length, longestCut);
  const start = startOfCut(text.slice(Math.max(0, ellipsis - longest), ellipsis), secret);
  const end = endOfCut(text.slice(ellipsis + 1, ellipsis + 1 + longest), secret);
  if (start > 0) yield [ellipsis - start, ellipsis];
  if (end > 0) yield [ellipsis + 1, ellipsis + 1 + end];
}

/** How many characters at the end of a text are the beginning of a secret. */
function startOfCut(before: string, secret: string): number {
  if (!secret.includes(before.slice(-shortest))) return 0;
  const beginning = secret.slice(0, shortest);
  for (let at = before.indexOf(beginning); at >= 0; at = before.indexOf(beginning, at + 1))
    if (secret.startsWith(before.slice(at))) return before.length - at;
  return 0;
}

/** How many characters at the beginning of a text are the end of a secret. */
function endOfCut(after: string, secret: string): number {
  if (!secret.includes(after.slice(0, shortest))) return 0;
  const end = secret.slice(-shortest);
  for (let at = after.lastIndexOf(end); at >= 0; at = at > 0 ? after.lastIndexOf(end, at - 1) : -1)
    if (secret.endsWith(after.slice(0, at + shortest))) return at + shortest;
  return 0;
}

/** The text with a mask in the place of each span, of those that overlap only one. */
export function maskSpans(text: string, spans: readonly Span[]): string {
  let [masked, end] = ["", 0];
  for (const [start, until] of spans.toSorted(([a], [b]) => a - b)) {
    if (start >= end) masked += text.slice(end, start) + mask;
    end = Math.max(end, until);
  }
  return masked + text.slice(end);
}
