import type { Stats } from "node:fs";
import type { FileTraits } from "./copy-sink.ts";
import { changesIn, type FolderTraits } from "./folder-traits.ts";
import { applyMode, type Mode, searchable } from "./mode.ts";
import type { Ids } from "./owner.ts";

/** What copies are to have besides what their sources have. */
export interface WantedTraits {
  readonly mode: Mode | undefined;
  readonly ids: Ids;
}

/** Set-id bits are never taken over. */
const permissionBits = 0o777;
/** A folder keeps its sticky bit, for without it everybody could remove what is in a folder that all may write. */
const folderBits = 0o1777;

export function traitsOfFile(source: Stats, { mode, ids }: WantedTraits): FileTraits {
  const own = source.mode & permissionBits;
  return {
    mode: mode ? applyMode(mode, own, false) : own,
    mtime: timeOf(source),
    ids,
    isAsked: mode !== undefined,
  };
}

/** The mode of a link means nothing. */
export const traitsOfLink = (source: Stats, { ids }: WantedTraits): FileTraits => ({
  mode: permissionBits,
  mtime: timeOf(source),
  ids,
  isAsked: false,
});

/** A folder has the time when something last came into it or left it, which is not that of its source. */
export function traitsOfFolder(source: Stats, { mode, ids }: WantedTraits, isNamed = true): FolderTraits {
  const own = source.mode & folderBits;
  return {
    mode: mode ? searchable(applyMode(mode, own, true)) : own,
    mtime: undefined,
    ids,
    isNamed,
    isAsked: mode !== undefined,
  };
}

/**
 * Whether a file or link that is there has these traits; the time does not count.
 * @param keepsModes not so for a file system such as SMB, where only a mode that the user asks for counts
 */
export function hasTraits(there: Stats, { mode, ids, isAsked }: FileTraits, keepsModes: boolean): boolean {
  const hasOwner = (ids.uid ?? there.uid) === there.uid && (ids.gid ?? there.gid) === there.gid;
  return hasOwner && (there.isSymbolicLink() || hasMode(there, mode) || !(isAsked || keepsModes));
}

const hasMode = (there: Stats, mode: number): boolean => (there.mode & 0o7777) === mode;

/** Whether a folder that is there has these traits, as far as this user may change them. */
export function folderHasTraits(there: Stats, traits: FolderTraits, keepsModes: boolean): boolean {
  if (!traits.isNamed) return true;
  const { ids, mode } = changesIn(there, traits);
  return ids === undefined && (mode === undefined || !(traits.isAsked || keepsModes));
}

/** Seconds since 1970. Node takes a time before that for the present. */
const timeOf = ({ mtimeMs }: Stats): number => Math.max(0, mtimeMs / 1000);
