import { chmodSync, chownSync, closeSync, type Stats, statSync, utimesSync } from "node:fs";
import { dirname, join } from "node:path";
import { hasCapability } from "./capabilities.ts";
import { openFolder, procPath } from "./handle.ts";
import { setIds } from "./mode.ts";
import { unchanged, whereKept } from "./own.ts";
import type { Ids } from "./owner.ts";

/** What a folder is to have once everything in it is in place. */
export interface FolderTraits {
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number | undefined;
  readonly ids: Ids;
  /** It stands in the archive itself, not only in the names of what is in it: so it says something of one that is there. */
  readonly isNamed: boolean;
  /** The user asked for this mode. */
  readonly isAsked: boolean;
}

/** A tree that is complete but for the traits of its folders, which are all still open to their owner. */
export interface StagedTree {
  readonly root: string;
  /** By paths relative to the root, which is "". Parents stand before what is in them. */
  readonly folders: ReadonlyMap<string, FolderTraits>;
}

const setGid = 0o2000;
const specialBits = 0o7000;
/** A folder that its owner cannot write cannot be moved. */
const ownerWrites = 0o200;

/**
 * Gives the folders of a staged tree their traits, the innermost first.
 * @param shared those that are at the destination already, and so are not moved
 */
export function settle({ root, folders }: StagedTree, shared: ReadonlySet<string>): void {
  for (const path of [...folders.keys()].toReversed()) {
    if (shared.has(path)) continue;
    const isMoved = path === "" || shared.has(parentOf(path));
    give(join(root, path), folders.get(path)!, isMoved ? ownerWrites : 0);
    if (isMoved) keepMovable(join(root, path), folders.get(path)!);
  }
}

/** Whoever may give a folder away need not be allowed to move it then: so it is taken back, and given after the move. */
function keepMovable(path: string, traits: FolderTraits): void {
  if (isStuck(traits)) chownSync(path, process.geteuid!(), unchanged);
}

const isStuck = ({ ids: { uid } }: FolderTraits): boolean =>
  uid !== undefined && uid !== process.geteuid!() && !hasCapability("CAP_DAC_OVERRIDE");

/** The path of the folder that something is in, below the root. */
export const parentOf = (path: string): string => (path.includes("/") ? dirname(path) : "");

/** Takes from a folder that has been moved what it needed for that. */
export function closeOff(path: string, traits: FolderTraits): void {
  if ((traits.mode & ownerWrites) !== 0 && !isStuck(traits)) return;
  const folder = openFolder(path);
  try {
    give(procPath(folder), traits);
  } finally {
    closeSync(folder);
  }
}

/** What is to be set in a folder that is there. */
export interface FolderChanges {
  readonly ids?: Ids;
  readonly mode?: number;
  /** Seconds since 1970. */
  readonly mtime?: number;
}

/** What traits change in a folder that is there; where it belongs to somebody else, only what the user asks for. */
export function changesIn(there: Stats, { ids, isAsked, mtime, ...traits }: FolderTraits): FolderChanges {
  const mode = traits.mode | (there.mode & (isAsked ? setGid : specialBits));
  const hasOwner = (ids.uid ?? there.uid) === there.uid && (ids.gid ?? there.gid) === there.gid;
  return {
    ...(!hasOwner && { ids }),
    ...(mode !== (there.mode & 0o7777) && (isAsked || isOurs(there)) && { mode }),
    ...(mtime !== undefined && isOurs(there) && { mtime }),
  };
}

/** Whether this process may change mode and times. */
export const isOurs = ({ uid }: Stats): boolean => uid === process.geteuid!() || hasCapability("CAP_FOWNER");

/** Whether this process may change the owner, or else only the group. */
export const mayGive = ({ uid }: Stats): boolean => uid === process.geteuid!() || hasCapability("CAP_CHOWN");

/**
 * Gives what only this process can reach its mode, time and owner. The owner comes last: whoever may give files away
 * need not be allowed to change those of others.
 * @param extra bits of the mode besides those that are wanted
 */
export function give(
  path: string,
  { mode, mtime, ids: { uid, gid }, isAsked }: Omit<FolderTraits, "isNamed">,
  extra = 0,
): void {
  const setMode = () => chmodSync(path, mode | extra | (statSync(path).mode & setGid));
  whereKept(isAsked, setMode);
  if (mtime !== undefined) whereKept(false, () => utimesSync(path, mtime, mtime));
  if (uid === undefined && gid === undefined) return;
  chownSync(path, uid ?? unchanged, gid ?? unchanged);
  // The change has taken them away.
  if ((mode & setIds) !== 0) whereKept(isAsked, setMode);
}
