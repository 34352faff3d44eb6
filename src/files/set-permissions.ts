import { fstatSync, lchownSync, type Stats } from "node:fs";
import { changeTraits, type TraitChange } from "./change-traits.ts";
import { inFolder, isGone, withEntry } from "./handle.ts";
import { applyMode, type Mode } from "./mode.ts";
import type { Ids } from "./owner.ts";
import { ignored } from "./refusals.ts";
import type { Entry } from "./walk.ts";

/** What files are to be like; what is absent stays as it is. */
export interface Permissions {
  readonly ids: Ids;
  readonly directoryMode?: Mode | undefined;
  readonly fileMode?: Mode | undefined;
}

const setUid = 0o4000;
const setGid = 0o2000;
/** To chown(2): leave it as it is. */
const unchangedId = -1;

/**
 * Gives a file its owner and mode where they differ, and says whether they did.
 * A link has its owner changed, never its mode; what it leads to is not touched. A change of owner clears set-id bits.
 * They are set again, except for one that would lend the rights of a new owner or group to a program
 * that others have written, unless the mode asks for it.
 * @param proven changes of owner are known to have effect on this file system, so that not each one is looked at again
 * @throws the error of the system call that failed, or `ignored()`
 */
export function setPermissions(entry: Entry, wanted: Permissions, proven: boolean): boolean {
  const change = changeFor(entry.stats, wanted);
  if (!needsChange(change)) return false;
  if (entry.fd !== undefined) return setOpened(entry.fd, wanted);
  const path = inFolder(entry.parent!.fd!, entry.name);
  try {
    return proven && change.bits === undefined
      ? setOwner(path, change)
      : withEntry(path, (fd) => setOpened(fd, wanted));
  } catch (error) {
    if (isGone(error)) return false;
    throw error;
  }
}

/** The quick way, for chown alone can be told not to follow a link. */
function setOwner(path: Buffer, { owner }: TraitChange): boolean {
  lchownSync(path, owner!.uid, owner!.gid);
  return true;
}

/** Looks again, now that nobody can put another file in its place. */
function setOpened(fd: number, wanted: Permissions): boolean {
  const isChanged = setTraitsOf(fd, wanted);
  if (isChanged && needsChange(changeFor(fstatSync(fd), wanted))) throw ignored();
  return isChanged;
}

/**
 * Gives an open file its owner and mode where they differ, and says whether they did.
 * @throws the error of the system call that failed
 */
export function setTraitsOf(fd: number, wanted: Permissions): boolean {
  const there = fstatSync(fd);
  const change = changeFor(there, wanted);
  if (!needsChange(change)) return false;
  changeTraits(fd, there, change);
  return true;
}

const needsChange = ({ owner, bits }: TraitChange): boolean => owner !== undefined || bits !== undefined;

function changeFor(stats: Stats, wanted: Permissions): TraitChange {
  const owner = ownerFor(stats, wanted.ids);
  return stats.isSymbolicLink() ? { owner } : { owner, bits: bitsFor(stats, wanted, owner !== undefined) };
}

function ownerFor({ uid, gid }: Stats, ids: Ids): TraitChange["owner"] {
  const [newUid = uid, newGid = gid] = [ids.uid, ids.gid];
  if (newUid === uid && newGid === gid) return undefined;
  return { uid: newUid === uid ? unchangedId : newUid, gid: newGid === gid ? unchangedId : newGid };
}

function bitsFor(stats: Stats, wanted: Permissions, ownerChanges: boolean): number | undefined {
  const directory = stats.isDirectory();
  const spec = (directory ? wanted.directoryMode : wanted.fileMode) ?? [];
  const bits = applyMode(spec, directory ? stats.mode : stats.mode & ~lentBits(stats, wanted.ids), directory);
  const cleared = ownerChanges && !directory && (stats.mode & (setUid | setGid)) !== 0;
  return bits !== (stats.mode & 0o7777) || cleared ? bits : undefined;
}

/** The set-id bits that would let a program act for somebody else than before. */
function lentBits({ uid, gid }: Stats, ids: Ids): number {
  return ((ids.uid ?? uid) === uid ? 0 : setUid) | ((ids.gid ?? gid) === gid ? 0 : setGid);
}
