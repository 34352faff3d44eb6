import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { nameIn, shownSource } from "./source.ts";

/**
 * The file to write: `to` itself, or a name out of the URL where `to` is a folder that is there or ends in a slash.
 * @throws Failure where the URL holds no name
 */
export function fileToWrite(to: string, url: URL): string {
  if (!to.endsWith("/") && !isFolder(to)) return resolve(to);
  const name = nameIn(url);
  if (name !== undefined) return join(resolve(to), name);
  throw new Failure("configuration", noName(url, to), { hint: "name the file in to" });
}

const noName = (url: URL, to: string): string =>
  `${shownSource(url)} holds no name for a file in the folder ${quote(to)}`;

function isFolder(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}
