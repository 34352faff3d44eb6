import { closeSync, openSync, readSync } from "node:fs";
import { quote } from "../format.ts";
import { restate, Failure } from "../failure.ts";
import { fileFailure } from "../system-errors.ts";
import { canFollow, contentOf, type Tell } from "./decompress.ts";
import type { Sink } from "./entry.ts";
import {
  type Compression,
  type Format,
  formatOf,
  headSize,
  isTar,
  wrappingOf,
  wrongFormat,
} from "./format.ts";
import type { GrowingFile } from "./growing-file.ts";
import { safeFileName, safeNames, safeZipNames } from "./names.ts";
import type { Selection } from "./selection.ts";
import { TarReader } from "./tar.ts";
import type { Tree } from "./tree.ts";
import { Unpacker } from "./unpacker.ts";

export interface Archive {
  /** Where its bytes are. */
  readonly path: string;
  /** For messages. */
  readonly label: string;
  /** The name of a single compressed file comes from it, without the ending. */
  readonly name: string;
  readonly format: Format | "auto";
  /** The name that its source gives it: it may be a plain file too, which then has that name. Not to be trusted. */
  readonly title?: string | undefined;
  /** It is a layer of an image: laid over the archives before it, and with whiteouts. */
  readonly isLayer?: boolean | undefined;
  /** It is still being written. */
  readonly growing?: GrowingFile | undefined;
}

/**
 * Unpacks archives of one source into a tree, one after the other, without a look at what they are called.
 * @throws Failure `integrity` where it is corrupt, unsafe or too large, `access` or `io` where the disk refuses
 */
export async function unpack(
  archives: readonly Archive[],
  tree: Tree,
  selection: Selection,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  try {
    for (const archive of archives) await unpackOne(archive, tree, selection, signal, tell);
    selection.finish();
    tree.finish();
  } catch (error) {
    if (!(error instanceof Failure) || error.code !== "integrity") throw error;
    throw restate(error, `${archives[0]!.label}: ${error.message}`);
  } finally {
    tree.close();
  }
}

async function unpackOne(
  archive: Archive,
  tree: Tree,
  selection: Selection,
  signal: AbortSignal,
  tell: Tell,
): Promise<void> {
  const { growing } = archive;
  await growing?.hasMoreThan(magicSize);
  const wrapping = wrappingOf(readHead(archive.path));
  if (wrapping === "zip" || !canFollow(wrapping)) await growing?.whole();
  const namesIn = wrapping === "zip" ? safeZipNames : safeNames;
  const isLayer = archive.isLayer ?? false;
  const sink = new Unpacker(tree, selection, { namesIn, isLayer });
  const name =
    wrapping === "zip"
      ? await unpackZip(archive, sink, signal, tell)
      : await unpackStream(archive, wrapping, sink, signal, tell);
  tree.understood.push({ name, isLayer });
}

/** A longer beginning tells no more of the wrapping. */
const magicSize = 16;

function readHead(path: string): Buffer {
  const head = Buffer.alloc(magicSize);
  try {
    const descriptor = openSync(path, "r");
    try {
      return head.subarray(0, readSync(descriptor, head));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}

async function unpackZip(
  { path, format }: Archive,
  sink: Sink,
  signal: AbortSignal,
  tell: Tell,
): Promise<null> {
  if (format !== "auto" && format !== "zip") throw wrongFormat("zip", format);
  const { readZip } = await import("./zip.ts");
  await readZip(path, sink, signal, tell);
  return null;
}

/** Answers the name of the file where it is only one, which has that from its source. */
async function unpackStream(
  archive: Archive,
  wrapping: Compression | undefined,
  sink: Sink,
  signal: AbortSignal,
  tell: Tell,
): Promise<string | null> {
  const chunks = contentOf(archive.path, wrapping, tell, archive.growing);
  try {
    const head = await readUpTo(headSize, chunks);
    const name = isTarArchive(archive, wrapping, head) ? null : givenName(archive);
    const reader = name === null ? new TarReader(sink) : singleFile(sink, name);
    reader.write(head);
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) {
      signal.throwIfAborted();
      reader.write(next.value);
    }
    reader.end();
    return name;
  } finally {
    await chunks.return(undefined);
  }
}

/** At least so many bytes, or all that there are. */
async function readUpTo(length: number, chunks: AsyncGenerator<Buffer>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for (let size = 0; size < length;) {
    const { done, value } = await chunks.next();
    if (done) break;
    parts.push(Buffer.from(value));
    size += value.length;
  }
  return Buffer.concat(parts);
}

/** @throws Failure `integrity` where it is not what was asked for */
function isTarArchive({ title, format }: Archive, wrapping: Compression | undefined, head: Buffer): boolean {
  const isPlainFile = title !== undefined && wrapping === undefined && format === "auto" && !isTar(head);
  return !isPlainFile && formatOf(wrapping, head, format).startsWith("tar");
}

const givenName = ({ name, title }: Archive): string => (title === undefined ? name : safeFileName(title));

/** Takes content that is no archive for an archive of one file. */
function singleFile(sink: Sink, name: string): Pick<Sink, "write" | "end"> {
  const plainName = name.replace(/(?<=.)\.(gz|gzip|zst|zstd|xz|bz2)$/i, "");
  const isWanted = sink.begin({
    name: plainName,
    type: "file",
    size: undefined,
    mode: undefined,
    mtime: undefined,
    target: "",
  });
  return isWanted ? sink : { write() {}, end() {} };
}
