import { createHash } from "node:crypto";
import { readdirSync, readlinkSync, type Stats } from "node:fs";
import { join } from "node:path";
import { errnoOf } from "../system-errors.ts";
import { look } from "../files/look.ts";
import { constants, zstdCompressSync, zstdDecompressSync } from "node:zlib";

/** What an extraction has left in a folder, small enough to keep, exact enough to see whether it is still there. */
export interface TreeSummary {
  readonly entries: number;
  readonly bytes: number;
  /** Over path, type, size and time of each entry, and what else was asked for. */
  readonly digest: string;
  /** The paths that the digest is over: each with a NUL after it, compressed, in base64. */
  readonly paths: string;
}

/** What of an entry counts besides type, size and time: a later step may well change owner and mode. */
export interface Traits {
  readonly mode: boolean;
  readonly owner: boolean;
}

/** More paths than this are not kept, so that neither file nor memory grows without bound. */
const maxPaths = 200_000;

const batchLength = 64 * 1024;

/**
 * The paths of all that is in a tree, each with a NUL after it: as that many strings they would take a good part of
 * the heap that there is in a container of 64 MiB.
 */
export function listPaths(root: string): Buffer {
  const batches: Buffer[] = [];
  let batch = "";
  for (const path of pathsIn(root).take(maxPaths)) {
    batch += `${path}\0`;
    if (batch.length < batchLength) continue;
    batches.push(Buffer.from(batch));
    batch = "";
  }
  return Buffer.concat([...batches, Buffer.from(batch)]);
}

function* pathsOf(list: Buffer): Generator<string> {
  for (let at = 0; at < list.length;) {
    const end = list.indexOf(0, at);
    if (end < 0) return;
    yield list.toString("utf8", at, end);
    at = end + 1;
  }
}

/** Paths repeat what stands close before them. By itself zstd would take several MB. */
const littleMemory = {
  params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_windowLog]: 17 },
};

/**
 * @param folder where the tree is now, among whatever else is there
 * @param paths as they were listed of the tree
 */
export function summarize(
  folder: string,
  paths: Buffer,
  { entries, bytes }: Pick<TreeSummary, "entries" | "bytes">,
  traits: Traits,
): TreeSummary {
  const packed = zstdCompressSync(paths, littleMemory).toString("base64");
  return { entries, bytes, digest: digestOf(folder, paths, traits) ?? "", paths: packed };
}

/** Whether all that was extracted into a folder is in it as it was. */
export function isStillThere(folder: string, { digest, paths }: TreeSummary, traits: Traits): boolean {
  try {
    return digestOf(folder, zstdDecompressSync(Buffer.from(paths, "base64")), traits) === digest;
  } catch {
    return false;
  }
}

function* pathsIn(root: string, folder = ""): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
    yield path;
    if (entry.isDirectory()) yield* pathsIn(root, path);
  }
}

/** Undefined where something is missing or cannot be looked at. */
function digestOf(root: string, paths: Buffer, traits: Traits): string | undefined {
  try {
    return digestOfAll(root, paths, traits);
  } catch (error) {
    if (errnoOf(error)) return undefined;
    throw error;
  }
}

function digestOfAll(root: string, paths: Buffer, traits: Traits): string | undefined {
  const hash = createHash("sha256");
  for (const path of pathsOf(paths)) {
    const place = `${root}/${path}`;
    const about = look(place);
    if (!about) return undefined;
    hash.update(`${path}\0${described(place, about)}\0${describedTraits(about, traits)}\n`);
  }
  return hash.digest("hex");
}

/** Times in whole seconds: some file systems keep no more. */
function described(path: string, about: Stats): string {
  if (about.isDirectory()) return "folder";
  if (about.isSymbolicLink()) return `link ${readlinkSync(path)}`;
  return `${about.isFile() ? "file" : "other"} ${about.size} ${Math.floor(about.mtimeMs / 1000)}`;
}

function describedTraits({ mode, uid, gid }: Stats, traits: Traits): string {
  return `${traits.mode ? (mode & 0o7777).toString(8) : ""} ${traits.owner ? `${uid}:${gid}` : ""}`;
}
