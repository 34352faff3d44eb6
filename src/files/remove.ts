import { realpathSync, rmdirSync, unlinkSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type FoundPath, pathOf } from "./expand-glob.ts";
import { inFolder, isGone } from "./handle.ts";
import { look } from "./look.ts";
import { mountsBelow } from "./mounts.ts";
import { inSlices } from "./slices.ts";
import { type Entry, pathOfEntry, walk } from "./walk.ts";

/**
 * Removes what is at a path with all that is in it; a link itself and not what it leads to. Answers how many entries
 * there were. Nothing is followed out of the tree, not even a link that somebody puts there meanwhile.
 * @throws Failure `access` or `io`
 */
export async function remove(
  found: FoundPath,
  signal: AbortSignal,
  tell: (removed: number) => void,
): Promise<number> {
  const path = pathOf(found).toString();
  const about = lookAt(path);
  if (!about) return 0;
  let removed = 0;
  if (!about.isDirectory()) return removeName(Buffer.from(path), path, unlinkSync);
  const refuse = (path: Buffer, error: unknown) => {
    throw fileFailure(`cannot remove ${quote(path.toString())}`, error);
  };
  const entries = walk(found, {
    depth: Infinity,
    refused: (named, error) => refuse(pathOfEntry(named), error),
  });
  await inSlices(entries, { signal, between: () => tell(removed) }, (entry) => {
    if (entry) removed += removeEntry(entry);
  });
  return removed;
}

function lookAt(path: string) {
  try {
    return look(path);
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

function removeEntry(entry: Entry): number {
  const path = pathOfEntry(entry).toString();
  if (entry.unreadable) throw fileFailure(`cannot remove ${quote(path)}`, entry.unreadable);
  const act = entry.stats.isDirectory() ? rmdirSync : unlinkSync;
  return removeName(entry.parent ? inFolder(entry.parent.fd!, entry.name) : entry.name, path, act);
}

/** What vanishes meanwhile is removed, too. */
function removeName(name: Buffer, path: string, act: (name: Buffer) => void): number {
  try {
    act(name);
    return 1;
  } catch (error) {
    if (isGone(error)) return 0;
    throw fileFailure(`cannot remove ${quote(path)}`, error);
  }
}

/** @throws Failure `access` for `/`, for a mount point and where one is below */
export function checkRemovable(found: FoundPath): void {
  const path = pathOf(found).toString();
  const isFolder = lookAt(path)?.isDirectory();
  if (isFolder === undefined) return;
  if (isFolder && realpathSync(path) === "/") throw refused(path, "it is the root of the file system");
  const parent = realpathSync(dirname(path));
  if (mountsBelow(parent).has(basename(path))) throw refused(path, "it is a mount point");
  const [below] = isFolder ? mountsBelow(path) : [];
  if (below !== undefined) throw refused(path, `${quote(below)} in it is a mount point`);
}

const refused = (path: string, why: string): Failure =>
  new Failure("access", `${quote(path)} is not removed: ${why}`, {
    hint: "name what is in the volume instead: /data/* and, if hidden, /data/.*",
  });
