import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  fstatSync,
  openSync,
  readSync,
  rmSync,
  type Stats,
  writeSync,
} from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { isSpecial } from "./copy-faults.ts";
import { procPath } from "./handle.ts";
import { compareContent } from "./same-content.ts";

/** An open file of a source. */
export interface SourceFile {
  readonly fd: number;
  readonly stats: Stats;
  /** Its path as the user knows it. */
  readonly shown: string;
}

/** Called between two chunks. */
type Breathe = () => Promise<void>;

const chunkSize = 256 * 1024;
/** Below this, asking for a clone costs more than it may save. */
const leastCloned = 1024 * 1024;
/** Wakes no device and waits for nobody to write to a named pipe (open(2)). */
const reading = constants.O_RDONLY | constants.O_NONBLOCK;

/** @throws Failure `access` where it cannot be read, or is no file */
export async function withSourceFile<T>(
  path: Buffer,
  shown: string,
  use: (file: SourceFile) => Promise<T>,
): Promise<T> {
  const fd = reader(shown, () => openSync(path, reading));
  try {
    const stats = fstatSync(fd);
    if (!stats.isFile()) throw isSpecial(shown, stats);
    return await use({ fd, stats, shown });
  } finally {
    closeSync(fd);
  }
}

/** Whether a path is a file that holds the same bytes; a link is not followed. What cannot be read is not the same. */
export async function hasContentOf(path: Buffer, source: SourceFile, breathe: Breathe): Promise<boolean> {
  const fd = openThere(path);
  if (fd === undefined) return false;
  try {
    if (!fstatSync(fd).isFile()) return false;
    for (const comparing = compareContent(procPath(fd), procPath(source.fd)); ;) {
      const { done, value } = reader(source.shown, () => comparing.next());
      if (done) return value;
      await breathe();
    }
  } finally {
    closeSync(fd);
  }
}

function openThere(path: Buffer): number | undefined {
  try {
    return openSync(path, reading | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
}

/**
 * Writes the bytes of a source to a new file, as a clone where the file system can do that.
 * @param wrote called with each number of bytes that were written
 * @throws Failure `access` where the source cannot be read; the error of the system call where writing failed
 */
export async function copyContent(
  source: SourceFile,
  target: string,
  wrote: (bytes: number) => Promise<void>,
): Promise<void> {
  if (source.stats.size >= leastCloned && clone(source.fd, target)) return await wrote(source.stats.size);
  const to = openSync(target, "wx", 0o600);
  try {
    await pump(source, to, wrote);
  } finally {
    closeSync(to);
  }
}

/** A clone takes over the mode, set-id bits too, so that is put right. Why it cannot be cloned, copying will tell. */
function clone(fd: number, target: string): boolean {
  try {
    copyFileSync(procPath(fd), target, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE_FORCE);
    chmodSync(target, 0o600);
    return true;
  } catch {
    rmSync(target, { force: true });
    return false;
  }
}

async function pump(
  { fd, shown }: SourceFile,
  to: number,
  wrote: (bytes: number) => Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(chunkSize);
  for (;;) {
    const length = reader(shown, () => readSync(fd, buffer));
    if (length === 0) return;
    for (let at = 0; at < length;) at += writeSync(to, buffer, at, length - at);
    await wrote(length);
  }
}

function reader<T>(shown: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw fileFailure(`cannot read ${quote(shown)}`, error);
  }
}
