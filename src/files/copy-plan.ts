import { closeSync, realpathSync, statSync } from "node:fs";
import { basename, dirname, resolve } from "node:path";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { matchesNothing } from "./copy-faults.ts";
import { expandGlob, type FoundPath, pathOf } from "./expand-glob.ts";
import { identityOf, isGone, openFolderThroughLinks } from "./handle.ts";

/** What is copied, and where it lands. */
export interface CopySource {
  /** In bytes, for a name need not be UTF-8. */
  readonly path: Buffer;
  /** Its name in the destination; undefined for a folder whose contents go there. */
  readonly name: string | undefined;
  /** Its path as patterns see it; empty for the folder that they are about. */
  readonly relative: string;
}

export interface CopyPlan {
  /** The folder that everything lands in. */
  readonly destination: string;
  /** The user has named the destination, and not a file in it: owner and mode are for it too where it is new. */
  readonly isNamed: boolean;
  readonly sources: readonly CopySource[];
}

/**
 * Decides what lands where. One folder gives its contents; several sources, and whatever wildcards find, land by name;
 * one file gets the name of the destination unless that is a folder or ends in a slash.
 * @throws Failure `access` where a wildcard matches nothing
 */
export function planCopy(operands: readonly string[], to: string): CopyPlan {
  const found = operands.flatMap(findSources);
  const destination = resolve(to);
  const [only] = found;
  if (found.length > 1 || only!.names.length > 0) {
    return { destination, isNamed: true, sources: found.map(byName) };
  }
  if (isFolderThere(only!.base)) {
    return { destination, isNamed: true, sources: [{ ...byName(only!), name: undefined }] };
  }
  if (to.endsWith("/") || isFolderThere(destination)) {
    return { destination, isNamed: true, sources: [byName(only!)] };
  }
  const source = { ...byName(only!), name: basename(destination) };
  return { destination: dirname(destination), isNamed: false, sources: [source] };
}

function findSources(operand: string): FoundPath[] {
  const found = expandGlob(operand);
  if (found.length === 0) throw matchesNothing(operand);
  return found;
}

function byName(found: FoundPath): CopySource {
  const path = pathOf(found);
  return {
    path,
    name: basename(resolve(path.toString())),
    relative: found.names.length > 0 ? found.names.join("/") : relativeOf(found.base),
  };
}

const relativeOf = (path: string): string => (isFolderThere(path) ? "" : basename(path));

function isFolderThere(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/** The identities of a folder, there or not, and of all that it is in: copying one of them into it would never end. */
export function identitiesAbove(folder: string): ReadonlySet<string> {
  const identities = new Set<string>();
  for (let path = nearestThere(folder); ; path = dirname(path)) {
    identities.add(identityAt(path));
    if (path === dirname(path)) return identities;
  }
}

function nearestThere(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    if (isGone(error)) return nearestThere(dirname(path));
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

function identityAt(path: string): string {
  try {
    const folder = openFolderThroughLinks(path);
    try {
      return identityOf(folder);
    } finally {
      closeSync(folder);
    }
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}
