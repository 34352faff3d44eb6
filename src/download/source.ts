import { fileURLToPath } from "node:url";
import { kind, type Kind } from "../kinds.ts";
import { nameOf, parseOci } from "./oci/reference.ts";
import { parseS3 } from "./s3/object.ts";

/** What each scheme asks of a URL besides; each throws an Error that completes the sentence "URL ...". */
const checks: Readonly<Record<string, (url: URL, value: string) => unknown>> = {
  "http:": () => {},
  "https:": () => {},
  "file:": checkFileUrl,
  "s3:": parseS3,
  "oci:": (_, value) => parseOci(value),
};

/** The URL of a source. */
export const sourceUrl: Kind<URL> = kind("URL", parseSource, { schema: { type: "string" } });

export function parseSource(value: string): URL {
  if (!URL.canParse(value)) throw new Error("is not a URL; write https://host/path");
  const url = new URL(value);
  const check = checks[url.protocol];
  if (!check)
    throw new Error(`has the scheme ${url.protocol.slice(0, -1)}; write http, https, file, s3 or oci`);
  check(url, value);
  return url;
}

function checkFileUrl(url: URL, value: string): void {
  if (!/^file:\//i.test(value)) throw new Error("has no absolute path; write file:///path");
  try {
    fileURLToPath(url);
  } catch {
    throw new Error("is not a URL of a local file; write file:///path");
  }
}

/** How a source is named in messages and the report: without userinfo and query. */
export function shownSource(url: URL): string {
  return url.protocol === "file:" ? fileURLToPath(url) : `${url.protocol}//${url.host}${url.pathname}`;
}

/** The last part of the path of a URL, percent-decoded; undefined where that is no name for a file. */
export function nameIn(url: URL): string | undefined {
  if (url.protocol === "oci:") return nameOf(parseOci(url.href));
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
