import { linkSync, lstatSync, mkdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { diskFailure } from "../files/disk.ts";
import { type FolderTraits, parentOf, type StagedTree } from "../files/folder-traits.ts";
import { look } from "../files/look.ts";
import { applyMode, type Mode, searchable } from "../files/mode.ts";
import type { Ids } from "../files/owner.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { EarlierLayers } from "./earlier-layers.ts";
import { type ArchiveEntry, timeOf } from "./entry.ts";
import { corrupt, unsafe } from "./faults.ts";
import { Limits } from "./limits.ts";
import { leadsOut } from "./links.ts";
import { type FileTraits, NewFile, replacing } from "./new-file.ts";
import { checkTarget, makeSymbolicLink, type SymbolicLink } from "./symbolic-link.ts";
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

/**
 * A folder that entries are written into, by paths below it that are safe by their names. The folder must be new
 * and nobody else's, so nothing in it can lead elsewhere: symbolic links are only made at the very end.
 */
export class Tree implements StagedTree {
  readonly root: string;
  readonly folders = new Map<string, FolderTraits>();
  readonly #links = new Map<string, SymbolicLink>();
  readonly #options: TreeOptions;
  readonly #limits: Limits;
  /** The mode that a new folder has here, which shows the umask. */
  readonly #folderMode: number;
  /** What the layer that is being extracted is laid over; undefined for an archive that is no layer. */
  #earlier: EarlierLayers | undefined;
  #open: { readonly file: NewFile; readonly path: string } | undefined;
  /** Of each archive in turn. */
  readonly understood: Understood[] = [];

  /** @param root a new empty folder, made with the default mode */
  constructor(root: string, options: TreeOptions) {
    this.root = root;
    this.#options = options;
    this.#limits = new Limits(options.maxEntries, options.maxExtracted);
    this.#folderMode = lstatSync(root).mode & 0o777;
    this.folders.set("", this.#traitsOfFolder(undefined));
  }

  get entries(): number {
    return this.#limits.entries;
  }

  get bytes(): number {
    return this.#limits.bytes;
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
    this.#limits.checkBytes(path, entry.size ?? 0);
    const file = this.#at(path, (target) => new NewFile(target, this.#traitsOfFile(entry)));
    this.#open = { file, path };
  }

  write(chunk: Buffer): void {
    const { file, path } = this.#open!;
    this.#limits.countBytes(path, chunk.length);
    this.#at(path, () => file.write(chunk));
  }

  end(): void {
    const { file, path } = this.#open!;
    this.#at(path, () => file.settle(this.#folderMode));
    this.close();
  }

  /** Closes the file that is being written, if there is one. */
  close(): void {
    const open = this.#open;
    this.#open = undefined;
    if (open) this.#at(open.path, () => open.file.close());
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
      this.#at(path, (to) => makeSymbolicLink(to, link, this.#options.ids));
    }
    this.#links.clear();
  }

  /** Makes the parent of what is no folder, and room for it. */
  #prepare(path: string): void {
    this.#makeParent(path);
    this.#limits.countEntry(path);
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
    this.#limits.countEntry(path);
    this.#at(path, (target) => {
      try {
        mkdirSync(target, 0o700);
      } catch (error) {
        throw errnoOf(error) === "EEXIST" ? corrupt(`${quote(path)} is both a folder and a file`) : error;
      }
    });
  }

  /** Set-id bits of an archive are never taken over. */
  #traitsOfFile(entry: ArchiveEntry): FileTraits {
    const { mode: wanted, ids } = this.#options;
    const mode = (entry.mode ?? this.#folderMode & 0o666) & 0o777;
    return {
      mode: wanted ? applyMode(wanted, mode, false) : mode,
      mtime: timeOf(entry),
      ids,
      isAsked: wanted !== undefined,
    };
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
