import { statfsSync } from "node:fs";
import { Failure, restate } from "../failure.ts";
import { formatBytes } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";

/**
 * A failed write, as a Failure; where the volume is full, with what is free on it.
 * @param folder one on that volume
 */
export function diskFailure(doing: string, error: unknown, folder: string): Failure {
  const failure = fileFailure(doing, error);
  const errno = error instanceof Failure ? undefined : errnoOf(error);
  if (errno !== "ENOSPC" && errno !== "EDQUOT") return failure;
  const free = freeOn(folder);
  return free === undefined ? failure : restate(failure, `${failure.message}, ${free.text}`);
}

/** What is free to this user on the volume of a folder, where the volume tells. */
export function freeOn(folder: string): { bytes: number; text: string } | undefined {
  try {
    const { bavail, bfree, blocks, bsize, ffree, files } = statfsSync(folder);
    const bytes = (process.geteuid!() === 0 ? bfree : bavail) * bsize;
    const inodes = files > 0 && ffree === 0 ? " and no inodes" : "";
    return blocks > 0 ? { bytes, text: `${formatBytes(bytes)}${inodes} free` } : undefined;
  } catch {
    return undefined;
  }
}
