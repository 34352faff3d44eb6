import { quote } from "../format.ts";
import type { ArchiveEntry, Sink } from "./entry.ts";
import { unsafe } from "./faults.ts";
import { recordName } from "./record.ts";
import type { Selection } from "./selection.ts";
import type { Tree } from "./tree.ts";
import { isReserved, whiteoutOf } from "./whiteout.ts";

/** How the entries of an archive are to be taken. */
export interface Reading {
  /** The parts of a name, after it has been found to be safe. */
  readonly namesIn: (name: string) => string[];
  /** It is a layer of an image, which may hold whiteouts. */
  readonly isLayer: boolean;
}

/** Puts the entries of an archive that are selected into a tree. */
export class Unpacker implements Sink {
  readonly #tree: Tree;
  readonly #selection: Selection;
  readonly #namesIn: Reading["namesIn"];
  readonly #isLayer: boolean;

  constructor(tree: Tree, selection: Selection, { namesIn, isLayer }: Reading) {
    this.#tree = tree;
    this.#selection = selection;
    this.#namesIn = namesIn;
    this.#isLayer = isLayer;
    tree.beginArchive(isLayer);
  }

  begin(entry: ArchiveEntry): boolean {
    const names = this.#namesIn(entry.name);
    if (names.length === 0 && entry.type !== "folder")
      throw unsafe(`the ${entry.type} ${quote(entry.name)} stands for the folder itself`);
    if (this.#isLayer && isReserved(names)) return this.#takeAway(names);
    const path = this.#selection.pick(names, entry.type);
    if (path === undefined || path === recordName) return false;
    if (entry.type === "file") this.#tree.file(path, entry);
    else if (entry.type === "folder") this.#tree.folder(path, entry);
    else if (entry.type === "symlink") this.#tree.symbolicLink(path, entry);
    else if (entry.type === "hardlink") this.#tree.hardLink(path, this.#targetOf(entry));
    else throw unsafe(`${quote(entry.name)} is a ${entry.type}`);
    return entry.type === "file";
  }

  /** A whiteout has no content that is wanted. */
  #takeAway(names: readonly string[]): false {
    const whiteout = whiteoutOf(names);
    const path = whiteout && this.#selection.landing(whiteout.names);
    if (path !== undefined) this.#tree.takeAway(path, whiteout!);
    return false;
  }

  #targetOf({ name, target }: ArchiveEntry): string {
    const path = this.#selection.locate(this.#namesIn(target));
    if (path !== undefined) return path;
    throw unsafe(`${quote(name)} is a hard link to ${quote(target)}, which is not extracted`);
  }

  write(chunk: Buffer): void {
    this.#tree.write(chunk);
  }

  end(): void {
    this.#tree.end();
  }
}
