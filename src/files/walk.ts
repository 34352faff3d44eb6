import * as fs from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type FoundPath, joinBytes, pathOf } from "./expand-glob.ts";
import { identityOf, inFolder, isGone, openFolder, procPath } from "./handle.ts";
import { type FoundName, namesIn } from "./names-in.ts";
import { openFound } from "./open-found.ts";
import { isDenied } from "./refusals.ts";

/** A name in the tree that is being walked. */
export interface Named {
  /** In bytes; of the root, its whole path. */
  readonly name: Buffer;
  readonly parent: Folder | undefined;
  /** Levels below the root, which is 0. */
  readonly depth: number;
}

/** What a walk comes upon. It is good until the next one is asked for. */
export interface Entry extends Named {
  /** Of a link, its own. */
  readonly stats: fs.Stats;
  /** Folders and the root are open; others are reached through their parent. */
  readonly fd?: number | undefined;
  /** Why a folder's content could not be read. */
  readonly unreadable?: unknown;
}

interface Folder extends Entry {
  /** Closed for folders far down while the walk is below them. */
  fd: number | undefined;
  unreadable?: unknown;
  /** Set when it is closed, to be known again by. */
  identity?: string;
  /** Folders in it that are still to be walked, as latin1: a character for a byte. */
  readonly pending: string[];
}

export interface WalkOptions {
  /** How many levels below the root to go. */
  readonly depth: number;
  /** Leaves out folders of other file systems than the root's. */
  readonly sameFilesystem?: boolean | undefined;
  /** Leaves out a name, with all that is below it. */
  skips?(named: Named): boolean;
  /** Called for a folder that may not be read; true where that was changed and another try is worth it. */
  unlock?(folder: Entry): boolean;
  /** Called for a name that may not be looked at; it is not yielded. */
  refused(named: Named, error: unknown): void;
}

/** Folders down to this level stay open; each takes a file descriptor. */
const openLevels = 64;

/**
 * Everything at and below a path: folders after what is in them, the path itself last. No symbolic link is followed,
 * even when somebody swaps folders for links meanwhile, for each level is opened by its name in the open one above.
 * What vanishes meanwhile is left out. Memory is bounded by the depth and the folders side by side, not by the files.
 * Yields `undefined` where there is nothing to do, so that the caller can share out the processor.
 * @throws Failure where the path is not there or is a link, and for input or output errors
 */
export function* walk(path: FoundPath, options: WalkOptions): Generator<Entry | undefined> {
  const root = openRoot(path, options);
  let folder = root;
  try {
    if (root) yield* readLeaves(root, options);
    while (root && folder) {
      const name = folder.pending.pop();
      if (name === undefined) {
        const above = comeBack(folder);
        yield folder;
        close(folder);
        folder = above;
      } else {
        const below = enter(folder, Buffer.from(name, "latin1"), root, options);
        folder = below ?? folder;
        if (below) yield* readLeaves(below, options);
      }
    }
  } finally {
    for (let open = folder; open; open = open.parent) close(open);
  }
}

/** The path of an entry as the user knows it, in bytes. */
export function pathOfEntry(entry: Named): Buffer {
  return namesOfEntry(entry).reduce(joinBytes);
}

/** The names that lead to an entry, beginning with the root's path. */
export function namesOfEntry(entry: Named): Buffer[] {
  const names = [];
  for (let at: Named | undefined = entry; at; at = at.parent) names.push(at.name);
  return names.toReversed();
}

function openRoot(path: FoundPath, options: WalkOptions): Folder | undefined {
  const fd = openFound(path);
  return fd === undefined
    ? undefined
    : opening({ name: pathOf(path), parent: undefined, depth: 0 }, fd, options);
}

/** Opens a folder in an open one; nothing where it is not there any more, or is to be left out. */
function enter(parent: Folder, name: Buffer, root: Folder, options: WalkOptions): Folder | undefined {
  const named = { name, parent, depth: parent.depth + 1 };
  const fd = attempt(named, options, () => openFolder(inFolder(parent.fd!, name)));
  if (fd === undefined) return undefined;
  const folder = opening(named, fd, options);
  if (options.sameFilesystem && folder.stats.dev !== root.stats.dev) return close(folder);
  if (parent.depth >= openLevels && !folder.unreadable) leave(parent);
  return folder;
}

function opening(named: Named, fd: number, options: WalkOptions): Folder {
  const folder: Folder = { ...named, stats: fs.fstatSync(fd), fd, pending: [] };
  try {
    if (!isWalked(folder, options)) return folder;
    folder.unreadable = whyUnreadable(fd);
    if (folder.unreadable && options.unlock?.(folder)) folder.unreadable = whyUnreadable(fd);
    return folder;
  } catch (error) {
    close(folder);
    throw error;
  }
}

const isWalked = ({ depth, stats }: Folder, options: WalkOptions): boolean =>
  depth < options.depth && stats.isDirectory();

function whyUnreadable(fd: number): unknown {
  try {
    fs.accessSync(procPath(fd), fs.constants.R_OK | fs.constants.X_OK);
    return undefined;
  } catch (error) {
    return error;
  }
}

function close(folder: Folder): undefined {
  if (folder.fd !== undefined) fs.closeSync(folder.fd);
  folder.fd = undefined;
}

function leave(folder: Folder): void {
  folder.identity = identityOf(folder.fd!);
  close(folder);
}

/** The folder above, open again; it must be the one that the walk came through, wherever this one is by now. */
function comeBack({ parent, fd }: Folder): Folder | undefined {
  if (parent?.identity === undefined || parent.fd !== undefined) return parent;
  parent.fd = openFolder(inFolder(fd!, Buffer.from("..")));
  if (identityOf(parent.fd) === parent.identity) return parent;
  throw new Failure("io", `what is in ${quote(pathOfEntry(parent).toString())} was moved during the walk`, {
    hint: "something else is changing this volume; let it finish first",
  });
}

/** Yields what is in a folder and is no folder itself; folders are put aside. */
function* readLeaves(folder: Folder, options: WalkOptions): Generator<Entry | undefined> {
  if (folder.unreadable || !isWalked(folder, options)) return;
  try {
    for (const found of namesIn(procPath(folder.fd!))) yield sortOut(folder, found, options);
  } catch (error) {
    if (!isDenied(error)) throw fileFailure(`cannot read ${quote(pathOfEntry(folder).toString())}`, error);
    folder.unreadable = error;
  }
}

function sortOut(folder: Folder, { name, isDirectory }: FoundName, options: WalkOptions): Entry | undefined {
  const named = { name, parent: folder, depth: folder.depth + 1 };
  if (options.skips?.(named)) return undefined;
  if (isDirectory) return putAside(named);
  const entry = look(named, options);
  return entry?.stats.isDirectory() ? putAside(named) : entry;
}

const putAside = ({ name, parent }: Named): undefined => void parent!.pending.push(name.toString("latin1"));

function look(named: Named, options: WalkOptions): Entry | undefined {
  const stats = attempt(named, options, () => fs.lstatSync(inFolder(named.parent!.fd!, named.name)));
  return stats && { ...named, stats };
}

function attempt<T>(named: Named, options: WalkOptions, call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (isGone(error)) return undefined;
    if (!isDenied(error)) throw fileFailure(`cannot look at ${quote(pathOfEntry(named).toString())}`, error);
    options.refused(named, error);
    return undefined;
  }
}
