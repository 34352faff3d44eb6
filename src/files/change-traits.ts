import { chmodSync, chownSync, fstatSync, type Stats } from "node:fs";
import { procPath } from "./handle.ts";
import { allBits, setIds } from "./mode.ts";

/** What a file gets; what is absent stays as it is. */
export interface TraitChange {
  /** As chown(2) takes them. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined;
  readonly bits?: number | undefined;
}

/**
 * Changes owner and mode of an open file, or neither.
 *
 * A change of owner takes set-id bits away, so the mode comes last. But whoever may give files away (CAP_CHOWN) need not
 * be allowed to change the mode of what others own (CAP_FOWNER): what is given away has its mode before that, without
 * the bits that would lend the rights of its old owner.
 * @throws the error of the system call that failed
 */
export function changeTraits(fd: number, there: Stats, { owner, bits }: TraitChange): void {
  const path = procPath(fd);
  const isEarly = owner !== undefined && bits !== undefined && there.uid === process.geteuid!();
  try {
    if (isEarly) chmodSync(path, there.isDirectory() ? bits : bits & ~setIds);
    if (owner) chownSync(path, owner.uid, owner.gid);
    if (bits !== undefined && !(isEarly && hasBits(fstatSync(fd), bits))) chmodSync(path, bits);
  } catch (error) {
    putBack(fd, there);
    throw error;
  }
}

const hasBits = ({ mode }: Stats, bits: number): boolean => (mode & allBits) === bits;

function putBack(fd: number, { uid, gid, mode }: Stats): void {
  try {
    const now = fstatSync(fd);
    if (now.uid !== uid || now.gid !== gid) chownSync(procPath(fd), uid, gid);
    if (!hasBits(fstatSync(fd), mode & allBits)) chmodSync(procPath(fd), mode & allBits);
  } catch {
    // The first failure is the one to tell.
  }
}
