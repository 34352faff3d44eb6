import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";

/**
 * Makes the missing parents of a path.
 * @returns takes away again those that are still empty
 * @throws Failure `access` or `io`
 */
export function makeParents(path: string): () => void {
  const parent = dirname(path);
  try {
    const first = makeFolders(parent);
    return first === undefined ? () => {} : () => removeEmpty(parent, first);
  } catch (error) {
    throw diskFailure(`cannot make the folder ${quote(parent)}`, error, "/");
  }
}

/**
 * Makes a folder with its missing parents. Node's own recursive mkdir says ENOENT where the file system is read-only,
 * and never ends in /proc.
 * @returns the first of them that was missing; undefined where the folder is there
 * @throws the error of the system call that failed
 */
export function makeFolders(folder: string): string | undefined {
  const missing = isFolder(folder) ? [] : [folder];
  while (missing.length > 0 && !isThere(dirname(missing[0]!))) missing.unshift(dirname(missing[0]!));
  const made = missing.filter((path) => makeFolder(path));
  return made[0];
}

/** Answers false where somebody else has made it in between. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (errnoOf(error) === "EEXIST" && isFolder(folder)) return false;
    throw error;
  }
}

const isThere = (path: string): boolean => statSync(path, { throwIfNoEntry: false }) !== undefined;

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

function removeEmpty(folder: string, first: string): void {
  try {
    for (let path = folder; path.length >= first.length; path = dirname(path)) rmdirSync(path);
  } catch {
    // Somebody has put something into it.
  }
}
