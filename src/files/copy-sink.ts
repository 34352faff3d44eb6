import type { SourceFile } from "./copy-file.ts";
import type { FolderTraits } from "./folder-traits.ts";

/** What a copied file or link is to have. */
export type FileTraits = Omit<FolderTraits, "isNamed"> & { readonly mtime: number };

/** Takes what differs between sources and destination. Paths are those in the destination. */
export interface CopySink {
  /** Needs no more, so the walk may end. */
  readonly isFull: boolean;
  /** The walk goes into a folder; `leave` follows. */
  enter(path: string, traits: FolderTraits): void;
  leave(): void;
  /** Whether an earlier source has brought something to this path. */
  has(path: string): boolean;
  /** The folder that the walk is in is missing at the destination, or differs. */
  addFolder(): void;
  addFile(path: string, source: SourceFile, traits: FileTraits): Promise<void>;
  addLink(path: string, text: Buffer, traits: FileTraits): void;
  /** The destination has this already. */
  same(path: string): void;
}

/** Only sees whether anything differs. */
export class AnyDifference implements CopySink {
  isFull = false;

  enter(): void {}

  leave(): void {}

  has(): boolean {
    return false;
  }

  addFolder(): void {
    this.isFull = true;
  }

  async addFile(): Promise<void> {
    this.isFull = true;
  }

  addLink(): void {
    this.isFull = true;
  }

  same(): void {}
}
