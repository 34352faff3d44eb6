import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  type Dirent,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  futimesSync,
  lstatSync,
  openSync,
  readdirSync,
  renameSync,
  type Stats,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";
import { mountsBelow } from "./mounts.ts";
import type { Ids } from "./owner.ts";
import { unchanged } from "./own.ts";

/** What a folder is to have once everything in it is in place. */
export interface FolderTraits {
  readonly mode: number;
  /** Seconds since 1970. */
  readonly mtime: number | undefined;
  readonly ids: Ids;
  /** It stands in the archive itself, not only in names of what is in it: then it says more than a folder that is there. */
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

/** Makes the entries of a folder durable. */
export function syncFolder(path: string): void {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Moves a complete file to its place in one step; a link at that place is replaced, not followed.
 * @param staged on the same volume
 * @throws Failure `access` or `io`; what was at the place is then untouched
 */
export function publishFile(staged: string, path: string): void {
  try {
    if (lstatSync(path, { throwIfNoEntry: false })?.isDirectory())
      throw new Failure("access", `${quote(path)} is a folder`);
    renameSync(staged, path);
    syncFolder(dirname(path));
  } catch (error) {
    throw diskFailure(`cannot write ${quote(path)}`, error, dirname(path));
  }
}

/**
 * Moves a tree to its place: in one step where nothing is there, else merged into the folder that is there, whose
 * own owner and mode stay. No link in that folder is followed. Nothing is moved before everything is known to fit.
 * @param beforeMerge called when all is checked and before the first change
 * @throws Failure `access` or `io`
 */
export async function publishTree(
  tree: StagedTree,
  destination: string,
  beforeMerge: (replacesSomething: boolean) => void,
): Promise<void> {
  if (!lstatSync(destination, { throwIfNoEntry: false }) && moveWhole(tree, destination)) return;
  await new Merge(tree, destination).run(beforeMerge);
}

/** Answers false where a folder has come into being at that place. */
function moveWhole(tree: StagedTree, destination: string): boolean {
  try {
    settle(tree, new Set());
    renameSync(tree.root, destination);
    closeOff(destination, tree.folders.get("")!);
    syncFolder(dirname(destination));
    return true;
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) return false;
    throw diskFailure(`cannot write ${quote(destination)}`, error, dirname(destination));
  }
}

const setGid = 0o2000;
const specialBits = 0o7000;
/** A folder that its owner cannot write cannot be moved. */
const ownerWrites = 0o200;

/** Gives the folders of a staged tree their traits, but for those that are there already; the innermost first. */
function settle({ root, folders }: StagedTree, shared: ReadonlySet<string>): void {
  for (const [path, traits] of [...folders].toReversed()) {
    const isMoved = path === "" || shared.has(parentOf(path));
    if (!shared.has(path)) give(join(root, path), traits, isMoved ? ownerWrites : 0);
  }
}

const parentOf = (path: string): string => (path.includes("/") ? dirname(path) : "");

/** Takes from a folder that has been moved what it needed for that. */
function closeOff(path: string, traits: FolderTraits): void {
  if ((traits.mode & ownerWrites) === 0) give(path, traits, 0);
}

/** @param extra bits of the mode besides those that are wanted */
function give(path: string, { mode, mtime, ids: { uid, gid } }: FolderTraits, extra: number): void {
  if (uid !== undefined || gid !== undefined) chownSync(path, uid ?? unchanged, gid ?? unchanged);
  chmodSync(path, mode | extra | (lstatSync(path).mode & setGid));
  if (mtime !== undefined) utimesSync(path, mtime, mtime);
}

/** An entry of the tree and what is at its place. `folder` addresses the parent by its descriptor. */
interface Meeting {
  readonly path: string;
  readonly staged: string;
  readonly place: string;
  readonly isFolder: boolean;
  readonly there: Stats | undefined;
}

/** What a walk does with each entry, and with a folder of the destination once it is through with it. */
interface Visitor {
  meet(meeting: Meeting): void;
  leave(path: string, descriptor: number): void;
}

/** One merge of a tree into a folder, which others may change at the same time. */
class Merge {
  readonly #tree: StagedTree;
  readonly #destination: string;
  readonly #mounts: ReadonlySet<string>;
  /** The folders that are in both. */
  readonly #shared = new Set<string>();
  #replaces = false;
  #breath = now();

  constructor(tree: StagedTree, destination: string) {
    this.#tree = tree;
    this.#destination = destination;
    this.#mounts = mountsBelow(destination);
  }

  async run(beforeMerge: (replacesSomething: boolean) => void): Promise<void> {
    try {
      await this.#walk({
        meet: (meeting) => this.#check(meeting),
        leave: (path, descriptor) => this.#checkFolder(path, descriptor),
      });
      beforeMerge(this.#replaces);
      settle(this.#tree, this.#shared);
      await this.#walk({
        meet: (meeting) => this.#move(meeting),
        leave: (path, descriptor) => this.#refresh(path, descriptor),
      });
      syncFolder(this.#destination);
    } catch (error) {
      throw diskFailure(`cannot write to ${quote(this.#destination)}`, error, this.#destination);
    }
  }

  async #walk(visitor: Visitor): Promise<void> {
    await this.#walkFolder(
      "",
      openSync(this.#destination, constants.O_RDONLY | constants.O_DIRECTORY),
      visitor,
    );
  }

  /** Closes the descriptor. */
  async #walkFolder(path: string, descriptor: number, visitor: Visitor): Promise<void> {
    try {
      this.#shared.add(path);
      for (const entry of readdirSync(join(this.#tree.root, path), { withFileTypes: true })) {
        const meeting = this.#meeting(join(path, entry.name), descriptor, entry);
        if (meeting.isFolder && meeting.there?.isDirectory()) {
          await this.#walkFolder(meeting.path, this.#enter(meeting), visitor);
        } else visitor.meet(meeting);
        await this.#breathe();
      }
      visitor.leave(path, descriptor);
    } finally {
      closeSync(descriptor);
    }
  }

  #meeting(path: string, folder: number, entry: Dirent): Meeting {
    const place = `/proc/self/fd/${folder}/${entry.name}`;
    const there = lstatSync(place, { throwIfNoEntry: false });
    return { path, staged: join(this.#tree.root, path), place, isFolder: entry.isDirectory(), there };
  }

  #enter({ path, place }: Meeting): number {
    if (this.#mounts.has(path)) throw this.#inTheWay(path, "another volume is mounted there", mountHint);
    return openSync(place, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  }

  #check({ path, place, isFolder, there }: Meeting): void {
    accessSync(dirname(place), constants.W_OK | constants.X_OK);
    if (!there) return;
    if (isFolder && there.isSymbolicLink())
      throw this.#inTheWay(path, "a link is there, where a folder must be", linkHint);
    if (isFolder) throw this.#inTheWay(path, "a file is there, where a folder must be", removeHint);
    if (there.isDirectory())
      throw this.#inTheWay(path, "a folder is there, where a file must be", removeHint);
    if (this.#mounts.has(path)) throw this.#inTheWay(path, "a file is mounted there", mountHint);
    this.#replaces = true;
  }

  #inTheWay(path: string, why: string, hint: string): Failure {
    return new Failure("access", `cannot write ${quote(join(this.#destination, path))}: ${why}`, { hint });
  }

  /** A folder that belongs to somebody else can only be left as it is. */
  #checkFolder(path: string, descriptor: number): void {
    const there = fstatSync(descriptor);
    const { ids, mode } = this.#changes(path, there);
    if (isOurs(there) || (!ids && mode === undefined)) return;
    const what = ids ? "owner" : "mode";
    throw this.#inTheWay(path, `its ${what} cannot be changed, it belongs to uid ${there.uid}`, ownerHint);
  }

  #move({ path, staged, place, isFolder }: Meeting): void {
    renameSync(staged, place);
    if (isFolder) closeOff(place, this.#tree.folders.get(path)!);
  }

  #refresh(path: string, descriptor: number): void {
    const there = fstatSync(descriptor);
    const { ids, mode, mtime } = this.#changes(path, there);
    if (ids) fchownSync(descriptor, ids.uid ?? unchanged, ids.gid ?? unchanged);
    if (mode !== undefined) fchmodSync(descriptor, mode);
    if (mtime !== undefined) futimesSync(descriptor, mtime, mtime);
  }

  /**
   * What the archive changes in a folder that is there: nothing in the destination itself, and in a folder that
   * belongs to somebody else only what the user asks for.
   */
  #changes(path: string, there: Stats): { ids?: Ids; mode?: number; mtime?: number } {
    const traits = this.#tree.folders.get(path);
    if (path === "" || !traits?.isNamed) return {};
    const { ids, isAsked, mtime } = traits;
    const mode = traits.mode | (there.mode & (isAsked ? setGid : specialBits));
    const hasOwner = (ids.uid ?? there.uid) === there.uid && (ids.gid ?? there.gid) === there.gid;
    return {
      ...(!hasOwner && { ids }),
      ...(mode !== (there.mode & 0o7777) && (isAsked || isOurs(there)) && { mode }),
      ...(mtime !== undefined && isOurs(there) && { mtime }),
    };
  }

  /** Lets timers and signals have their turn. */
  async #breathe(): Promise<void> {
    if (now() - this.#breath < 50) return;
    await setImmediate();
    this.#breath = now();
  }
}

/** Whether this process may change owner, mode and times; root without its capabilities finds out later. */
const isOurs = ({ uid }: Stats): boolean => [0, uid].includes(process.geteuid!());

const ownerHint = "let the step run as that user, or leave owner and mode out";
const linkHint = "links are not followed here: remove the link, or extract into the folder that it points to";
const removeHint = "remove it first, or extract into another folder";
const mountHint = "extract into the mounted volume by a step of its own, or mount it after this step";
