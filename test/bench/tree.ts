import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface TreeShape {
  readonly folders: number;
  readonly filesPerFolder: number;
  /** Bytes of a small file, on average. */
  readonly fileBytes: number;
  /** Bytes of one further file, at the top. */
  readonly largeBytes: number;
}

/** The same tree for the same shape, always; no file repeats another. */
export function makeTree(root: string, { folders, filesPerFolder, fileBytes, largeBytes }: TreeShape): void {
  const text = new Text();
  for (let at = 0; at < folders; at++) {
    const folder = join(root, `folder-${at}`);
    mkdirSync(folder, { recursive: true });
    for (let file = 0; file < filesPerFolder; file++) {
      const share = 0.5 + file / filesPerFolder;
      writeFileSync(join(folder, `file-${file}`), text.next(Math.round(fileBytes * share)));
    }
  }
  if (largeBytes > 0) writeFileSync(join(root, "large"), text.next(largeBytes));
}

/** Words of a pseudo-random sequence, which compress about as well as source code does. */
class Text {
  #seed = 1;

  next(bytes: number): Buffer {
    const buffer = Buffer.allocUnsafe(bytes);
    for (let at = 0; at < bytes; at += 8) {
      this.#seed = (Math.imul(this.#seed, 1_103_515_245) + 12_345) >>> 0;
      buffer.write(`${(this.#seed >>> 8).toString(36).padStart(7, "x")} `, at, "latin1");
    }
    return buffer;
  }
}
