import { quote } from "../format.ts";
import type { Pair } from "../kinds.ts";

/** Headers that the client itself answers for. */
const ownHeaders = new Set([
  "connection",
  "content-length",
  "expect",
  "keep-alive",
  "proxy-connection",
  "transfer-encoding",
  "upgrade",
]);

/** For a task's `check`. @throws Error for a header that a caller cannot set */
export function checkHeaders(headers: readonly Pair[]): void {
  for (const { name, value } of headers) {
    if (ownHeaders.has(name.toLowerCase())) throw new Error(`header ${quote(name)} is set by initkit itself`);
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value)) {
      throw new Error(`header ${quote(name)} holds a character that HTTP cannot carry`);
    }
  }
}
