import {
  accessSync,
  chmodSync,
  chownSync,
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  readdirSync,
  renameSync,
  type Stats,
  statSync,
  utimesSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import {
  changesIn,
  closeOff,
  type FolderChanges,
  isOurs,
  mayGive,
  settle,
  type StagedTree,
} from "./folder-traits.ts";
import { describeSpecial, isReplaceable } from "./special.ts";
import { diskFailure } from "./disk.ts";
import { openFolder, openFolderThroughLinks, procPath } from "./handle.ts";
import { mountsBelow } from "./mounts.ts";
import { unchanged, whereKept } from "./own.ts";

/** An entry of the tree and what is at its place. */
interface Meeting {
  readonly path: string;
  readonly staged: string;
  /** Leads through the descriptor of its folder, so that nobody can put a link in between. */
  readonly place: string;
  readonly isFolder: boolean;
  readonly there: Stats | undefined;
}

/** What a walk does with each entry, and with a folder of the destination once it is through with it. */
interface Visitor {
  meet(meeting: Meeting): void;
  leave(path: string, folder: number): void;
}

/** One merge of a tree into a folder, which others may change at the same time. */
export class Merge {
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

  /**
   * @param settled called when all is checked and before the first change, with whether anything is replaced
   * @throws Failure or the error of a system call
   */
  async run(settled: (replaces: boolean) => void): Promise<void> {
    await this.#walk({
      meet: (meeting) => this.#check(meeting),
      leave: (path, folder) => this.#checkFolder(path, folder),
    });
    settled(this.#replaces);
    settle(this.#tree, this.#shared);
    await this.#walk({
      meet: (meeting) => this.#move(meeting),
      leave: (path, folder) => this.#refresh(path, folder),
    });
  }

  async #walk(visitor: Visitor): Promise<void> {
    await this.#walkFolder("", openFolderThroughLinks(this.#destination), visitor);
  }

  /** Closes the folder. */
  async #walkFolder(path: string, folder: number, visitor: Visitor): Promise<void> {
    try {
      this.#shared.add(path);
      for (const entry of readdirSync(join(this.#tree.root, path), { withFileTypes: true })) {
        const meeting = this.#meeting(join(path, entry.name), folder, entry);
        if (meeting.isFolder && meeting.there?.isDirectory()) {
          await this.#walkFolder(meeting.path, this.#enter(meeting), visitor);
        } else this.#meet(meeting, visitor);
        await this.#breathe();
      }
      visitor.leave(path, folder);
    } finally {
      closeSync(folder);
    }
  }

  /** Tells of an error which entry it is about. */
  #meet(meeting: Meeting, visitor: Visitor): void {
    try {
      visitor.meet(meeting);
    } catch (error) {
      throw diskFailure(
        `cannot write ${quote(join(this.#destination, meeting.path))}`,
        error,
        this.#destination,
      );
    }
  }

  #meeting(path: string, folder: number, entry: Dirent): Meeting {
    const place = `${procPath(folder)}/${entry.name}`;
    const there = lstatSync(place, { throwIfNoEntry: false });
    return { path, staged: join(this.#tree.root, path), place, isFolder: entry.isDirectory(), there };
  }

  #enter({ path, place }: Meeting): number {
    if (this.#mounts.has(path)) throw this.#inTheWay(path, "another volume is mounted there", mountHint);
    return openFolder(place);
  }

  #check({ path, place, isFolder, there }: Meeting): void {
    accessSync(dirname(place), constants.W_OK | constants.X_OK);
    if (!there) return;
    if (isFolder && there.isSymbolicLink()) {
      throw this.#inTheWay(path, "a link is there, where a folder must be", linkHint);
    }
    if (isFolder) throw this.#inTheWay(path, "a file is there, where a folder must be", removeHint);
    if (there.isDirectory())
      throw this.#inTheWay(path, "a folder is there, where a file must be", removeHint);
    if (this.#mounts.has(path)) throw this.#inTheWay(path, "a file is mounted there", mountHint);
    if (isForeignIn(dirname(place), there))
      throw this.#inTheWay(path, `it belongs to uid ${there.uid}, in a sticky folder`, stickyHint);
    if (!isReplaceable(there)) throw this.#inTheWay(path, `${describeSpecial(there)} is there`, removeHint);
    this.#replaces = true;
  }

  #inTheWay(path: string, why: string, hint: string): Failure {
    return new Failure("access", `cannot write ${quote(join(this.#destination, path))}: ${why}`, { hint });
  }

  /** A folder that belongs to somebody else can only be left as it is. */
  #checkFolder(path: string, folder: number): void {
    const there = fstatSync(folder);
    const { ids, mode } = this.#changes(path, there);
    const what = ids && !mayGive(there) ? "owner" : mode !== undefined && !isOurs(there) ? "mode" : undefined;
    if (what === undefined) return;
    throw this.#inTheWay(path, `its ${what} cannot be changed, it belongs to uid ${there.uid}`, ownerHint);
  }

  #move({ path, staged, place, isFolder }: Meeting): void {
    renameSync(staged, place);
    if (isFolder) closeOff(place, this.#tree.folders.get(path)!);
  }

  #refresh(path: string, folder: number): void {
    const { ids, mode, mtime } = this.#changes(path, fstatSync(folder));
    const place = procPath(folder);
    if (mode !== undefined) whereKept(this.#isAsked(path), () => chmodSync(place, mode));
    if (mtime !== undefined) whereKept(false, () => utimesSync(place, mtime, mtime));
    if (ids) chownSync(place, ids.uid ?? unchanged, ids.gid ?? unchanged);
  }

  #isAsked(path: string): boolean {
    return this.#tree.folders.get(path)!.isAsked;
  }

  /** What the tree changes in a folder that is there: nothing in the destination itself. */
  #changes(path: string, there: Stats): FolderChanges {
    const traits = this.#tree.folders.get(path);
    return path === "" || !traits?.isNamed ? {} : changesIn(there, traits);
  }

  /** Lets timers and signals have their turn. */
  async #breathe(): Promise<void> {
    if (now() - this.#breath < 50) return;
    await setImmediate();
    this.#breath = now();
  }
}

const isForeignIn = (folder: string, there: Stats): boolean => {
  if (isOurs(there)) return false;
  const { mode, uid } = statSync(folder);
  return (mode & sticky) !== 0 && uid !== process.geteuid!();
};

const sticky = 0o1000;
const stickyHint =
  "only its owner may replace it there: let the step run as that user, or name another folder";
const ownerHint = "let the step run as that user, or leave owner and mode out";
const linkHint = "links are not followed here: remove the link, or name the folder that it points to";
const removeHint = "remove it first, or name another folder";
const mountHint = "write into the mounted volume by a step of its own, or mount it after this step";
