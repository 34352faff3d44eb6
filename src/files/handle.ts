import { closeSync, constants, fstatSync, openSync } from "node:fs";
import { errnoOf } from "../system-errors.ts";

/**
 * Files by descriptor, as Node has no openat(2). `/proc/self/fd/N` leads to what descriptor N has open, wherever
 * that has been moved since, and `/proc/self/fd/N/NAME` to a name in that folder (proc_pid_fd(5)). A descriptor
 * opened with O_PATH needs no permission on the file itself and wakes no device (open(2)).
 */
const { O_DIRECTORY, O_NOFOLLOW } = constants;

/** Not among the constants of Node; the same on amd64 and arm64. */
const O_PATH = 0o10000000;

/** A path to what a descriptor has open; even to a link itself. */
export const procPath = (fd: number): string => `/proc/self/fd/${fd}`;

/** The path of a name in an open folder, in bytes. */
export const inFolder = (fd: number, name: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${procPath(fd)}/`), name]);

/** Opens what has this path: a link itself, not what it leads to. */
export const openEntry = (path: string | Buffer): number => openSync(path, O_PATH | O_NOFOLLOW);

/** Opens a folder; for anything else, a link to a folder included, it throws ENOTDIR. */
export const openFolder = (path: string | Buffer): number =>
  openSync(path, O_PATH | O_NOFOLLOW | O_DIRECTORY);

/** Opens the folder that a path leads to, through links where it has any. */
export const openFolderThroughLinks = (path: string | Buffer): number => openSync(path, O_PATH | O_DIRECTORY);

/** Calls `use` with a descriptor of what has this path, and closes it. */
export function withEntry<T>(path: Buffer, use: (fd: number) => T): T {
  const fd = openEntry(path);
  try {
    return use(fd);
  } finally {
    closeSync(fd);
  }
}

/** What no other file has as long as this one is there. */
export function identityOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}

/** Whether a system call failed because what it was about has vanished, or is no folder any more. */
export function isGone(error: unknown): boolean {
  return ["ENOENT", "ENOTDIR", "ELOOP"].includes(errnoOf(error) ?? "");
}
