import { fileURLToPath } from "node:url";
import { kind, type Kind } from "../kinds.ts";

const schemes = new Set(["http:", "https:", "file:"]);

/** The URL of a source. */
export const sourceUrl: Kind<URL> = kind("URL", parseSource, { schema: { type: "string" } });

export function parseSource(value: string): URL {
  if (!URL.canParse(value)) throw new Error("is not a URL; write https://host/path");
  const url = new URL(value);
  if (!schemes.has(url.protocol))
    throw new Error(`has the scheme ${url.protocol.slice(0, -1)}; write http, https or file`);
  if (url.protocol === "file:") checkFileUrl(value, url);
  return url;
}

function checkFileUrl(value: string, url: URL): void {
  if (!/^file:\//i.test(value)) throw new Error("has no absolute path; write file:///path");
  try {
    fileURLToPath(url);
  } catch {
    throw new Error("is not a URL of a local file; write file:///path");
  }
}

/** How a source is named in messages and the report: without userinfo and query. */
export function shownSource(url: URL): string {
  return url.protocol === "file:" ? fileURLToPath(url) : `${url.origin}${url.pathname}`;
}

/** The last part of the path of a URL, percent-decoded; undefined where that is no name for a file. */
export function nameIn(url: URL): string | undefined {
  const name = decoded(url.pathname.split("/").at(-1)!);
  const isSafe =
    name !== undefined &&
    !["", ".", ".."].includes(name) &&
    !/[/\0]/.test(name) &&
    Buffer.byteLength(name) <= 255;
  return isSafe ? name : undefined;
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
