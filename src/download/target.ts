import { statSync } from "node:fs";
import { join, resolve } from "node:path";
import { safeFileName } from "../archive/names.ts";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import type { Access } from "./http-source.ts";
import { locate } from "./locate.ts";
import type { Location } from "./location.ts";
import { nameIn, shownSource } from "./source.ts";

export interface Target {
  readonly file: string;
  /** Where the source is, if its name had to be asked for there. */
  readonly located: ReadonlyMap<URL, readonly Location[]>;
}

/**
 * The file to write: `to` itself, or the name that the source has for it where `to` is a folder that is there or ends
 * in a slash.
 * @throws Failure where the source has no name for it, or one that is none; of a registry that is asked for it
 */
export async function fileToWrite(to: string, url: URL, access: Access): Promise<Target> {
  const located = new Map<URL, readonly Location[]>();
  if (!to.endsWith("/") && !isFolder(to)) return { file: resolve(to), located };
  if (url.protocol === "oci:") located.set(url, await locate(url, access));
  const name = titleIn(located.get(url)) ?? nameIn(url);
  if (name !== undefined) return { file: join(resolve(to), name), located };
  throw new Failure("configuration", noName(url, to), { hint: "name the file in to" });
}

/** Artifacts say the name of each file, as ORAS does. */
function titleIn(locations: readonly Location[] = []): string | undefined {
  const [only, ...others] = locations;
  return only?.title === undefined || others.length > 0 ? undefined : safeFileName(only.title);
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
