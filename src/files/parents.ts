import { mkdirSync, rmdirSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";

/**
 * Makes the missing parents of a path; takes them away again where `use` fails, but for those that something is in.
 * @throws Failure `access` or `io`
 */
export async function withParents<T>(path: string, use: () => Promise<T>): Promise<T> {
  const made = makeParents(dirname(path));
  try {
    return await use();
  } catch (error) {
    removeFolders(made);
    throw error;
  }
}

function makeParents(folder: string): readonly string[] {
  try {
    return makeFolders(folder);
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw inTheWay(folder);
    throw diskFailure(`cannot make the folder ${quote(folder)}`, error, "/");
  }
}

const inTheWay = (folder: string): Failure =>
  new Failure(
    "access",
    `cannot make the folder ${quote(folder)}: a file, or a link that leads nowhere, is there`,
    {
      hint: "remove it first, or choose another path",
    },
  );

/**
 * Makes a folder with its missing parents, all of them or none. Node's own recursive mkdir says ENOENT where the file
 * system is read-only, and never ends in /proc.
 * @returns those that were missing, the outermost first
 * @throws the error of the system call that failed
 */
export function makeFolders(folder: string): readonly string[] {
  const missing = isFolder(folder) ? [] : [folder];
  while (missing.length > 0 && !isThere(dirname(missing[0]!))) missing.unshift(dirname(missing[0]!));
  const made: string[] = [];
  try {
    for (const path of missing) if (makeFolder(path)) made.push(path);
  } catch (error) {
    removeFolders(made);
    throw error;
  }
  return made;
}

/** Takes folders away again that were made in this order, but for those that something has come into. */
export function removeFolders(made: readonly string[]): void {
  try {
    for (const path of made.toReversed()) rmdirSync(path);
  } catch {
    // Somebody has put something into it.
  }
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
