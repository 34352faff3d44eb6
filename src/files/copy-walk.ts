import { isUtf8 } from "node:buffer";
import { closeSync, fstatSync } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { intoItself, leadsBack, notText } from "./copy-faults.ts";
import { Comparison } from "./copy-compare.ts";
import { withSourceFile } from "./copy-file.ts";
import {
  type Found,
  foundAs,
  foundIn,
  lookAtLink,
  lookThrough,
  refuse,
  type SourceFolder,
  type SourceLink,
} from "./copy-found.ts";
import type { CopyPlan } from "./copy-plan.ts";
import type { CopyProgress } from "./copy-progress.ts";
import { CopySelection } from "./copy-selection.ts";
import type { CopySink } from "./copy-sink.ts";
import { traitsOfFile, traitsOfFolder, traitsOfLink, type WantedTraits } from "./copy-traits.ts";
import type { Glob } from "./glob.ts";
import { identityOf, openFolderThroughLinks, procPath } from "./handle.ts";
import { namesIn } from "./names-in.ts";

export interface CopyOptions extends WantedTraits {
  readonly include: readonly Glob[];
  readonly exclude: readonly Glob[];
  readonly noOverwrite: boolean;
  readonly keepLinks: boolean;
}

export interface CopyWalkOptions extends CopyOptions {
  /** The destination keeps the modes that files are given. */
  readonly keepsModes: boolean;
  /** The destination and all that it is in, none of which can be copied into it. */
  readonly above: ReadonlySet<string>;
}

/** What kubelet writes into the mounts of ConfigMaps and Secrets for itself (its AtomicWriter). */
const kubeletName = /^\.\.(?:data|data_tmp|[0-9]{4}(?:_[0-9]{2}){5}\..+)$/;
const kubeletLink = /^\.\.data(?:\/|$)/;

/**
 * Goes through the sources and the destination side by side, and tells a sink what differs. Links of the sources are
 * followed, those of the destination never: each folder of it is opened in the one above. In memory are only the
 * folders on the way and those beside them.
 */
export class CopyWalk {
  readonly #plan: CopyPlan;
  readonly #options: CopyWalkOptions;
  readonly #comparison: Comparison;
  readonly #selection: CopySelection;
  readonly #sink: CopySink;
  readonly #progress: CopyProgress;

  constructor(plan: CopyPlan, options: CopyWalkOptions, sink: CopySink, progress: CopyProgress) {
    this.#plan = plan;
    this.#options = options;
    this.#comparison = new Comparison(plan.destination, options.keepsModes);
    this.#selection = new CopySelection(options.include, options.exclude);
    this.#sink = sink;
    this.#progress = progress;
  }

  /** @throws Failure `access` or `io`; the signal's reason */
  async run(): Promise<void> {
    const top = this.#comparison.openTop();
    try {
      for (const source of this.#plan.sources) await this.#visit(foundAs(source, top));
    } finally {
      if (top !== undefined) closeSync(top);
    }
    if (!this.#sink.isFull) this.#selection.finish();
  }

  async #visit(found: Found): Promise<void> {
    if (this.#sink.isFull || this.#selection.excludes(found.relative)) return;
    if (!isUtf8(found.at)) throw notText(found.shown);
    await this.#progress.breathe();
    const isIncluded = this.#selection.includes(found.relative);
    const link = this.#keptLink(found);
    const stats = link ? undefined : lookThrough(found);
    if (stats?.isDirectory()) await this.#folder(found, isIncluded);
    else if (!isIncluded) return;
    else if (link) this.#link(found, link);
    else if (stats?.isFile()) await this.#file(found, stats.size);
    else refuse(found, stats);
  }

  /** Links to what kubelet keeps for itself are followed in any case, as that is left out. */
  #keptLink(found: Found): SourceLink | undefined {
    if (!this.#options.keepLinks || found.path === "") return undefined;
    const link = lookAtLink(found);
    return link && !kubeletLink.test(link.text.toString()) ? link : undefined;
  }

  async #folder(found: Found, isIncluded: boolean): Promise<void> {
    const fd = this.#openSource(found);
    let there: number | undefined;
    try {
      there = this.#comparison.openFolder(found);
      const folder = { ...found, fd, identity: identityOf(fd) };
      this.#checkCircle(folder);
      if (found.path === "") await this.#contents(folder, there);
      else await this.#mirror(folder, there, isIncluded);
    } finally {
      closeSync(fd);
      if (there !== undefined) closeSync(there);
    }
  }

  /** A folder that is not included itself is only there for what is in it. */
  async #mirror(folder: SourceFolder, there: number | undefined, isIncluded: boolean): Promise<void> {
    const isNamed = there === undefined || !this.#options.noOverwrite;
    const traits = traitsOfFolder(fstatSync(folder.fd), this.#options, isNamed);
    const before = this.#selection.selected;
    this.#sink.enter(folder.path, traits);
    await this.#contents(folder, there);
    const isWanted = isIncluded || this.#selection.selected > before;
    if (isWanted && !this.#comparison.hasFolder(there, traits)) this.#sink.addFolder();
    this.#sink.leave();
  }

  /** Folders come last, so that not all on the way are being read at once. */
  async #contents(folder: SourceFolder, there: number | undefined): Promise<void> {
    const folders: Found[] = [];
    try {
      for (const { name, isDirectory } of namesIn(procPath(folder.fd))) {
        if (kubeletName.test(name.toString())) continue;
        const found = foundIn(folder, name, there);
        if (isDirectory) folders.push(found);
        else await this.#visit(found);
      }
    } catch (error) {
      throw fileFailure(`cannot read the folder ${quote(folder.shown)}`, error);
    }
    for (const found of folders) await this.#visit(found);
  }

  async #file(found: Found, size: number): Promise<void> {
    this.#progress.files++;
    this.#progress.bytes += size;
    if (this.#isLeftAlone(found)) return;
    await withSourceFile(found.at, found.shown, async (source) => {
      const traits = traitsOfFile(source.stats, this.#options);
      const breathe = () => this.#progress.breathe();
      if (await this.#comparison.hasFile(found, source, traits, breathe)) this.#sink.same(found.path);
      else await this.#sink.addFile(found.path, source, traits);
    });
  }

  #link(found: Found, { text, stats }: SourceLink): void {
    this.#progress.files++;
    if (this.#isLeftAlone(found)) return;
    const traits = traitsOfLink(stats, this.#options);
    if (this.#comparison.hasLink(found, text, traits)) this.#sink.same(found.path);
    else this.#sink.addLink(found.path, text, traits);
  }

  #isLeftAlone(found: Found): boolean {
    if (!this.#options.noOverwrite) return false;
    return this.#comparison.isThere(found) || this.#sink.has(found.path);
  }

  #checkCircle(folder: SourceFolder): void {
    const { destination } = this.#plan;
    if (this.#options.above.has(folder.identity)) throw intoItself(folder.shown, destination);
    for (let above = folder.above; above; above = above.above) {
      if (above.identity === folder.identity) throw leadsBack(folder.shown, above.shown);
    }
  }

  #openSource({ at, shown }: Found): number {
    try {
      return openFolderThroughLinks(at);
    } catch (error) {
      throw fileFailure(`cannot read the folder ${quote(shown)}`, error);
    }
  }
}
