import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parentOf } from "../files/folder-traits.ts";

/** What is there of layers, by its paths below the root; links are not on the disk yet. */
export interface Layers {
  readonly root: string;
  readonly folders: Map<string, unknown>;
  readonly links: Map<string, unknown>;
}

/**
 * What has been extracted of the layers before one, which may replace and take away of that, but not of what it
 * brings itself (OCI image-spec 1.1, layer.md, "Applying Changesets" and "Whiteouts").
 */
export class EarlierLayers {
  readonly #layers: Layers;
  /** What the layer has brought, and all folders above that. */
  readonly #own = new Set([""]);

  constructor(layers: Layers) {
    this.#layers = layers;
  }

  /** The layer brings something to a path. */
  keep(path: string): void {
    for (let each = path; !this.#own.has(each); each = parentOf(each)) this.#own.add(each);
  }

  /**
   * Takes away what is at a path and below it.
   * @throws the error of a system call
   */
  remove(path: string): void {
    const { root, folders, links } = this.#layers;
    if (this.#own.has(path)) return this.removeContent(path);
    if (!folders.has(parentOf(path))) return;
    links.delete(path);
    if (folders.delete(path)) forgetBelow(path, folders, links);
    rmSync(join(root, path), { recursive: true, force: true });
  }

  /** Takes away what is below a path. */
  removeContent(path: string): void {
    const { root, folders, links } = this.#layers;
    if (!folders.has(path)) return;
    for (const link of links.keys()) if (isBelow(link, path) && !this.#own.has(link)) links.delete(link);
    for (const name of readdirSync(join(root, path))) this.remove(path === "" ? name : `${path}/${name}`);
  }
}

const isBelow = (path: string, folder: string): boolean => folder === "" || path.startsWith(`${folder}/`);

function forgetBelow(folder: string, ...maps: readonly Map<string, unknown>[]): void {
  for (const map of maps) for (const path of map.keys()) if (isBelow(path, folder)) map.delete(path);
}
