import { closeSync, constants, fchmodSync, fchownSync, fstatSync, openSync } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { applyMode, type Mode } from "./mode.ts";
import { unchanged } from "./own.ts";
import type { Ids } from "./owner.ts";

/**
 * Gives a file or folder the owner and mode that are asked for.
 * @returns whether it had another one
 * @throws Failure `access` where this user may not change them
 */
export function setTraits(path: string, { uid, gid }: Ids, mode: Mode | undefined): boolean {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const owned = setOwner(descriptor, uid, gid);
      return setMode(descriptor, mode) || owned;
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileFailure(`cannot set owner and mode of ${quote(path)}`, error);
  }
}

function setOwner(descriptor: number, uid: number | undefined, gid: number | undefined): boolean {
  const there = fstatSync(descriptor);
  if ((uid ?? there.uid) === there.uid && (gid ?? there.gid) === there.gid) return false;
  fchownSync(descriptor, uid ?? unchanged, gid ?? unchanged);
  return true;
}

/** After the owner, for a change of owner takes set-id bits away. */
function setMode(descriptor: number, mode: Mode | undefined): boolean {
  const stats = fstatSync(descriptor);
  const current = stats.mode & 0o7777;
  const wanted = mode ? applyMode(mode, current, stats.isDirectory()) : current;
  if (wanted === current) return false;
  fchmodSync(descriptor, wanted);
  return true;
}
