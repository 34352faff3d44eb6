import { lchownSync, lutimesSync, mkdirSync, symlinkSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { isBoth } from "./copy-faults.ts";
import { copyContent, type SourceFile } from "./copy-file.ts";
import type { CopyProgress } from "./copy-progress.ts";
import type { CopySink, FileTraits } from "./copy-sink.ts";
import { diskFailure } from "./disk.ts";
import { type FolderTraits, give, parentOf, type StagedTree } from "./folder-traits.ts";
import { look } from "./look.ts";
import { unchanged, whereKept } from "./own.ts";

/**
 * The differences as a tree of their own, ready to be merged into the destination: only what is to change there and
 * the folders that lead to it. A later source takes the place of an earlier one of the same name.
 */
export class CopyTree implements StagedTree, CopySink {
  readonly root: string;
  readonly folders = new Map<string, FolderTraits>();
  readonly #progress: CopyProgress;
  /** The folders that lead to where the walk is, the outermost first. */
  readonly #entered: { readonly path: string; readonly traits: FolderTraits }[] = [];
  readonly isFull = false;
  changed = 0;

  /** @param root a new empty folder that only this process can reach */
  constructor(root: string, traits: FolderTraits, progress: CopyProgress) {
    this.root = root;
    this.#progress = progress;
    this.folders.set("", traits);
  }

  enter(path: string, traits: FolderTraits): void {
    this.#entered.push({ path, traits });
    if (this.folders.has(path)) this.folders.set(path, traits);
  }

  leave(): void {
    this.#entered.pop();
  }

  has(path: string): boolean {
    return this.folders.has(parentOf(path)) && look(join(this.root, path)) !== undefined;
  }

  addFolder(): void {
    this.#makeEntered();
    this.changed++;
  }

  async addFile(path: string, source: SourceFile, traits: FileTraits): Promise<void> {
    const target = this.#makeRoom(path);
    try {
      await copyContent(source, target, async (bytes) => {
        this.#progress.written += bytes;
        await this.#progress.breathe();
      });
      give(target, traits);
    } catch (error) {
      throw this.#failure(path, error);
    }
  }

  addLink(path: string, text: Buffer, { ids: { uid, gid }, mtime }: FileTraits): void {
    const target = this.#makeRoom(path);
    try {
      symlinkSync(text, target);
      whereKept(false, () => lutimesSync(target, mtime, mtime));
      if (uid !== undefined || gid !== undefined) lchownSync(target, uid ?? unchanged, gid ?? unchanged);
    } catch (error) {
      throw this.#failure(path, error);
    }
  }

  same(path: string): void {
    if (!this.has(path)) return;
    try {
      unlinkSync(join(this.root, path));
    } catch (error) {
      throw ["EISDIR", "EPERM"].includes(errnoOf(error) ?? "") ? isBoth(path) : this.#failure(path, error);
    }
    this.changed--;
  }

  /** Answers where a file is to be made. */
  #makeRoom(path: string): string {
    this.#makeEntered();
    this.same(path);
    this.changed++;
    return join(this.root, path);
  }

  #makeEntered(): void {
    for (const { path, traits } of this.#entered) {
      if (this.folders.has(path)) continue;
      this.#makeFolder(path);
      this.folders.set(path, traits);
    }
  }

  #makeFolder(path: string): void {
    try {
      mkdirSync(join(this.root, path), 0o700);
    } catch (error) {
      throw errnoOf(error) === "EEXIST" ? isBoth(path) : this.#failure(path, error);
    }
  }

  #failure(path: string, error: unknown): unknown {
    return errnoOf(error) ? diskFailure(`cannot write ${quote(path)}`, error, this.root) : error;
  }
}
