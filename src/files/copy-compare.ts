import { fstatSync, lstatSync, readlinkSync, type Stats } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { hasContentOf, type SourceFile } from "./copy-file.ts";
import { type Found, placeOf } from "./copy-found.ts";
import type { FileTraits } from "./copy-sink.ts";
import { folderHasTraits, hasTraits } from "./copy-traits.ts";
import type { FolderTraits } from "./folder-traits.ts";
import { isGone, openFolder, openFolderThroughLinks } from "./handle.ts";

/** Compares what is found with what is at its place in the destination, where no link is followed. */
export class Comparison {
  readonly #destination: string;
  readonly #keepsModes: boolean;

  /** @param keepsModes the destination keeps the modes that files are given */
  constructor(destination: string, keepsModes: boolean) {
    this.#destination = destination;
    this.#keepsModes = keepsModes;
  }

  /** The destination itself, open; undefined where it is not there yet. */
  openTop(): number | undefined {
    return this.#ifThere(() => openFolderThroughLinks(this.#destination));
  }

  /** The folder that something lands in or merges with, open; undefined where there is none. */
  openFolder(found: Found): number | undefined {
    const { there, path } = found;
    if (path === "") return this.openTop();
    return there === undefined ? undefined : this.#ifThere(() => openFolder(placeOf(there, found)));
  }

  isThere(found: Found): boolean {
    return this.#look(found) !== undefined;
  }

  hasFolder(there: number | undefined, traits: FolderTraits): boolean {
    return there !== undefined && folderHasTraits(fstatSync(there), traits, this.#keepsModes);
  }

  async hasFile(
    found: Found,
    source: SourceFile,
    traits: FileTraits,
    breathe: () => Promise<void>,
  ): Promise<boolean> {
    const there = this.#look(found);
    if (!there?.stats.isFile() || there.stats.size !== source.stats.size) return false;
    if (!hasTraits(there.stats, traits, this.#keepsModes)) return false;
    return await hasContentOf(there.place, source, breathe);
  }

  hasLink(found: Found, text: Buffer, traits: FileTraits): boolean {
    const there = this.#look(found);
    if (!there?.stats.isSymbolicLink() || !hasTraits(there.stats, traits, this.#keepsModes)) return false;
    return this.#ifThere(() => readlinkSync(there.place, { encoding: "buffer" }))?.equals(text) ?? false;
  }

  #look(found: Found): { readonly place: Buffer; readonly stats: Stats } | undefined {
    if (found.there === undefined) return undefined;
    const place = placeOf(found.there, found);
    const stats = this.#ifThere(() => lstatSync(place));
    return stats && { place, stats };
  }

  #ifThere<T>(look: () => T): T | undefined {
    try {
      return look();
    } catch (error) {
      if (isGone(error)) return undefined;
      throw fileFailure(`cannot look into ${quote(this.#destination)}`, error);
    }
  }
}
