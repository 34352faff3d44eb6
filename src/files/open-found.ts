import { closeSync, existsSync, fstatSync, readlinkSync } from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type FoundPath, pathOf } from "./expand-glob.ts";
import { inFolder, isGone, openEntry, openFolder, openFolderThroughLinks, procPath } from "./handle.ts";

/**
 * A descriptor of what an operand stands for, never of what a link leads to; nothing where what a wildcard found is
 * gone again.
 * @throws Failure where a path as it was written is not there, or is a link itself
 */
export function openFound(path: FoundPath): number | undefined {
  const fd = opened(path);
  if (fd === undefined) return undefined;
  try {
    if (!existsSync(procPath(fd))) throw noProc();
    if (path.names.length === 0 && fstatSync(fd).isSymbolicLink()) throw isLink(path.base);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

function opened(path: FoundPath): number | undefined {
  try {
    return path.names.length === 0 ? openEntry(path.base) : openBelow(path);
  } catch (error) {
    if (path.names.length > 0 && isGone(error)) return undefined;
    throw fileFailure(`cannot open ${quote(pathOf(path).toString())}`, error);
  }
}

/** Opens name by name what wildcards have matched, so that no link that came there since is followed. */
function openBelow({ base, names }: FoundPath): number {
  const folder = openFolders(base, names.slice(0, -1));
  try {
    return openEntry(inFolder(folder, names.at(-1)!));
  } finally {
    closeSync(folder);
  }
}

function openFolders(base: string, names: readonly Buffer[]): number {
  return names.reduce((folder, name) => {
    try {
      return openFolder(inFolder(folder, name));
    } finally {
      closeSync(folder);
    }
  }, openFolderThroughLinks(base));
}

/**
 * Calls `act` with a path to what an operand stands for. Where wildcards found it, no link leads there that came since.
 * @throws the error of the system call that failed; Failure where /proc is not mounted
 */
export function atFound<T>({ base, names }: FoundPath, act: (path: Buffer) => T): T {
  const last = names.at(-1);
  if (last === undefined) return act(Buffer.from(base));
  const folder = openFolders(base, names.slice(0, -1));
  try {
    if (!existsSync(procPath(folder))) throw noProc();
    return act(inFolder(folder, last));
  } finally {
    closeSync(folder);
  }
}

function isLink(path: string): Failure {
  return new Failure("access", `${quote(path)} is a symbolic link, and links are not followed here`, {
    hint: `name what it leads to instead: ${quote(readlinkSync(path))}`,
  });
}

const noProc = (): Failure =>
  new Failure("access", "/proc is not mounted, and without it folders cannot be walked safely", {
    hint: "every container runtime mounts it; check that no volume is mounted over it",
  });
