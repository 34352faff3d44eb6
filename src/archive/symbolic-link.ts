import { lchownSync, lutimesSync, symlinkSync } from "node:fs";
import { unchanged, whereKept } from "../files/own.ts";
import type { Ids } from "../files/owner.ts";
import { quote } from "../format.ts";
import { type ArchiveEntry, timeOf } from "./entry.ts";
import { corrupt } from "./faults.ts";

/** What is kept of a symbolic link until the end; there may be very many. */
export type SymbolicLink = Pick<ArchiveEntry, "target" | "mtime">;

const maxTargetBytes = 4095;

/** @throws Failure `integrity` for a target that no link can have (symlink(2)) */
export function checkTarget(path: string, target: string): void {
  if (target === "") throw corrupt(`the link ${quote(path)} leads to nothing`);
  if (target.includes("\0") || Buffer.byteLength(target) > maxTargetBytes)
    throw corrupt(`the link ${quote(path)} leads to what is no path`);
}

/** @throws the error of the system call that failed */
export function makeSymbolicLink(path: string, link: SymbolicLink, { uid, gid }: Ids): void {
  symlinkSync(link.target, path);
  const time = timeOf(link);
  if (time !== undefined) whereKept(false, () => lutimesSync(path, time, time));
  if (uid !== undefined || gid !== undefined) lchownSync(path, uid ?? unchanged, gid ?? unchanged);
}
