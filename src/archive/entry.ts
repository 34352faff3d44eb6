export type EntryType =
  | "file"
  | "folder"
  | "symlink"
  | "hardlink"
  | "character device"
  | "block device"
  | "FIFO"
  | "socket";

/** One entry of an archive, as its format tells it; nothing of it is to be trusted. */
export interface ArchiveEntry {
  readonly name: string;
  readonly type: EntryType;
  /** Bytes of content, where that is known before it is read. */
  readonly size: number | undefined;
  /** Permission bits; undefined where the format does not keep them. */
  readonly mode: number | undefined;
  /** Seconds since 1970. */
  readonly mtime: number | undefined;
  /** Where a link points to: for a hard link the name of another entry. */
  readonly target: string;
}

/** When it was changed, in seconds since 1970: Node takes a time before that for the present. */
export const timeOf = (entry: Pick<ArchiveEntry, "mtime"> | undefined): number | undefined =>
  entry?.mtime === undefined ? undefined : Math.max(0, entry.mtime);

/** What takes the entries of an archive, one after the other. */
export interface Sink {
  /** Answers whether the content that follows is wanted. */
  begin(entry: ArchiveEntry): boolean;
  /** A part of the content of a wanted file. The bytes are only valid during the call. */
  write(chunk: Buffer): void;
  /** The content of a wanted file is complete. */
  end(): void;
}
