import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  lchownSync,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { diskFailure } from "../files/disk.ts";
import { unchanged, whereKept } from "../files/own.ts";
import { look } from "../files/look.ts";
import { applyMode, type Mode, searchable } from "../files/mode.ts";
import type { Ids } from "../files/owner.ts";
import { type FolderTraits, parentOf, type StagedTree } from "../files/folder-traits.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { EarlierLayers } from "./earlier-layers.ts";
import type { ArchiveEntry } from "./entry.ts";
import { corrupt, tooMuch, unsafe } from "./faults.ts";
import { leadsOut } from "./links.ts";
import type { Understood } from "./understanding.ts";
import type { Whiteout } from "./whiteout.ts";

export interface TreeOptions {
  /** Where the tree is to be published. */
  readonly destination: string;
  readonly mode: Mode | undefined;
  readonly ids: Ids;
  readonly maxExtracted: number;
  readonly maxEntries: number;
}

/** What is kept of a symbolic link until the end; there may be very many. */
type Link = Pick<ArchiveEntry, "target" | "mtime">;

/** A change of owner takes them away. */
const setIds = 0o6000;
const newFile = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * A folder that entries are written into, by paths below it that are safe by their names. The folder must be new
 * and nobody else's, so nothing in it can lead elsewhere: symbolic links are only made at the very end.
 */
export class Tree implements StagedTree {
  readonly root: string;
  readonly folders = new Map<string, FolderTraits>();
  readonly #links = new Map<string, Link>();
  readonly #options: TreeOptions;
  /** The mode that a new folder has here, which shows the umask. */
  readonly #folderMode: number;
  /** What the layer that is being extracted is laid over; undefined for an archive that is no layer. */
  #earlier: EarlierLayers | undefined;
  #open: { readonly descriptor: number; readonly path: string; readonly entry: ArchiveEntry } | undefined;
  /** Of each archive in turn. */
  readonly understood: Understood[] = [];
  entries = 0;
  bytes = 0;

  /** @param root a new empty folder, made with the default mode */
  constructor(root: string, options: TreeOptions) {
    this.root = root;
    this.#options = options;
    this.#folderMode = lstatSync(root).mode & 0o777;
    this.folders.set("", this.#traitsOfFolder(undefined));
  }

  /** Another archive begins; the first layer is laid over nothing. */
  beginArchive(isLayer: boolean): void {
    const layers = { root: this.root, folders: this.folders, links: this.#links };
    this.#earlier = isLayer && this.entries > 0 ? new EarlierLayers(layers) : undefined;
  }

  /** Takes away what earlier layers have brought, and nothing else. */
  takeAway(path: string, { isOpaque }: Pick<Whiteout, "isOpaque">): void {
    this.#at(path, () => (isOpaque ? this.#earlier?.removeContent(path) : this.#earlier?.remove(path)));
  }

  folder(path: string, entry: ArchiveEntry): void {
    this.#makeParent(path);
    if (!this.folders.has(path)) this.takeAway(path, { isOpaque: false });
    this.#earlier?.keep(path);
    if (this.#links.has(path)) throw unsafe(`${quote(path)} is both a folder and a link`);
    if (!this.folders.has(path)) this.#makeFolder(path);
    this.folders.set(path, this.#traitsOfFolder(entry));
  }

  /** Begins a file; `write` and `end` follow. A later entry of the same name takes the place of the earlier one. */
  file(path: string, entry: ArchiveEntry): void {
    this.#prepare(path);
    this.#links.delete(path);
    this.#checkBytes(path, entry.size ?? 0);
    const mode = this.#modeOfFile(entry);
    const descriptor = this.#at(path, (target) => replacing(target, () => openSync(target, newFile, mode)));
    this.#open = { descriptor, path, entry };
  }

  write(chunk: Buffer): void {
    const { descriptor, path } = this.#open!;
    this.#checkBytes(path, chunk.length);
    this.#at(path, () => {
      for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
    });
    this.bytes += chunk.length;
  }

  end(): void {
    const { descriptor, path, entry } = this.#open!;
    this.#at(path, () => {
      const mode = this.#modeOfFile(entry);
      const isAsked = this.#options.mode !== undefined;
      const setMode = () => whereKept(isAsked, () => fchmodSync(descriptor, mode));
      if ((mode & ~this.#folderMode) !== 0 || isAsked) setMode();
      const time = timeOf(entry);
      if (time !== undefined) whereKept(false, () => futimesSync(descriptor, time, time));
      if (this.#own(descriptor) && (mode & setIds) !== 0) setMode();
    });
    this.close();
  }

  /** Closes the file that is being written, if there is one. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open) this.#at(open.path, () => closeSync(open.descriptor));
  }

  /** @param target the path of a file that is there already */
  hardLink(path: string, target: string): void {
    if (!this.#isFile(target)) {
      throw unsafe(
        `${quote(path)} is a hard link to ${quote(target)}, which is no file before it in the archive`,
      );
    }
    if (path === target) return;
    this.#prepare(path);
    this.#links.delete(path);
    this.#at(path, (to) => replacing(to, () => linkSync(join(this.root, target), to)));
  }

  symbolicLink(path: string, entry: ArchiveEntry): void {
    checkTarget(path, entry.target);
    this.#prepare(path);
    if (this.#isFile(path)) this.#at(path, unlinkSync);
    this.#links.set(path, { target: entry.target, mtime: entry.mtime });
  }

  /**
   * Makes the symbolic links.
   * @throws Failure `integrity` where one leads out of the destination
   */
  finish(): void {
    const targetOf = (path: string) => this.#links.get(path)?.target;
    for (const [path, link] of this.#links) {
      if (leadsOut(path, targetOf, this.root, this.#options.destination)) {
        throw unsafe(`the link ${quote(path)} leads out of the folder, to ${quote(link.target)}`);
      }
      this.#at(path, (to) => this.#makeLink(to, link));
    }
  }

  #makeLink(path: string, link: Link): void {
    symlinkSync(link.target, path);
    const time = timeOf(link);
    if (time !== undefined) whereKept(false, () => lutimesSync(path, time, time));
    const { uid, gid } = this.#options.ids;
    if (uid !== undefined || gid !== undefined) lchownSync(path, uid ?? unchanged, gid ?? unchanged);
  }

  /** Makes the parent of what is no folder, and room for it. */
  #prepare(path: string): void {
    this.#makeParent(path);
    this.#countEntry(path);
    if (this.folders.has(path)) this.takeAway(path, { isOpaque: false });
    this.#earlier?.keep(path);
    if (this.folders.has(path)) throw corrupt(`${quote(path)} is both a folder and a file`);
  }

  #isFile(path: string): boolean {
    return this.#at(path, (target) => look(target)?.isFile() ?? false);
  }

  #makeParent(path: string): void {
    const parent = parentOf(path);
    if (this.folders.has(parent)) return;
    this.#makeParent(parent);
    if (this.#links.has(parent)) throw unsafe(`${quote(path)} is below ${quote(parent)}, which is a link`);
    this.#makeFolder(parent);
    this.folders.set(parent, this.#traitsOfFolder(undefined));
  }

  #makeFolder(path: string): void {
    this.#countEntry(path);
    this.#at(path, (target) => {
      try {
        mkdirSync(target, 0o700);
      } catch (error) {
        throw errnoOf(error) === "EEXIST" ? corrupt(`${quote(path)} is both a folder and a file`) : error;
      }
    });
  }

  #countEntry(path: string): void {
    const { maxEntries } = this.#options;
    if (++this.entries > maxEntries)
      throw tooMuch(`the archive, at ${quote(path)},`, "max-entries", maxEntries);
  }

  #checkBytes(path: string, more: number): void {
    const { maxExtracted } = this.#options;
    if (this.bytes + more > maxExtracted) {
      throw tooMuch(`the archive, at ${quote(path)},`, "max-extracted", maxExtracted);
    }
  }

  /** After mode and time: whoever may give files away need not be allowed to change those of others. */
  #own(descriptor: number): boolean {
    const { uid, gid } = this.#options.ids;
    if (uid === undefined && gid === undefined) return false;
    fchownSync(descriptor, uid ?? unchanged, gid ?? unchanged);
    return true;
  }

  /** Set-id bits of an archive are never taken over. */
  #modeOfFile({ mode = this.#folderMode & 0o666 }: ArchiveEntry): number {
    const plain = mode & 0o777;
    return this.#options.mode ? applyMode(this.#options.mode, plain, false) : plain;
  }

  #traitsOfFolder(entry: ArchiveEntry | undefined): FolderTraits {
    const { mode: wanted, ids } = this.#options;
    const mode = (entry?.mode ?? this.#folderMode) & 0o777;
    return {
      mode: wanted ? searchable(applyMode(wanted, mode, true)) : mode,
      mtime: timeOf(entry),
      ids,
      isNamed: entry !== undefined,
      isAsked: wanted !== undefined,
    };
  }

  /** Does something at a path of the tree; what the system refuses becomes a Failure that names the path. */
  #at<T>(path: string, act: (target: string) => T): T {
    try {
      return act(`${this.root}/${path}`);
    } catch (error) {
      throw diskFailure(`cannot write ${quote(path)}`, error, this.root);
    }
  }
}

/** What no link can say (symlink(2)). */
function checkTarget(path: string, target: string): void {
  if (target === "") throw corrupt(`the link ${quote(path)} leads to nothing`);
  if (target.includes("\0") || Buffer.byteLength(target) > maxTargetBytes)
    throw corrupt(`the link ${quote(path)} leads to what is no path`);
}

const maxTargetBytes = 4095;

/** Makes a file where there may be an earlier one of the same name. */
function replacing<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    unlinkSync(path);
    return make();
  }
}

/** Node takes a time before 1970 for the present. */
const timeOf = (entry: Pick<ArchiveEntry, "mtime"> | undefined): number | undefined =>
  entry?.mtime === undefined ? undefined : Math.max(0, entry.mtime);
