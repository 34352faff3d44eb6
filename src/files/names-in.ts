import { type Dir, type Dirent, opendirSync } from "node:fs";
import { errnoOf } from "../system-errors.ts";

/** A name in a folder. */
export interface FoundName {
  /** In bytes, for it need not be UTF-8. */
  readonly name: Buffer;
  /** When it was read; it may be something else by now. */
  readonly isDirectory: boolean;
}

/**
 * What is in a folder, name by name and so in constant memory, however much it is. A name that vanishes before its type
 * is known is left out, and a folder that vanishes has no more names.
 * @throws the error of the system call that failed
 */
export function* namesIn(folder: string): Generator<FoundName> {
  const dir = open(folder);
  try {
    for (let found = next(dir); found; found = next(dir)) {
      yield { name: found.name, isDirectory: found.isDirectory() };
    }
  } finally {
    dir.closeSync();
  }
}

/**
 * Where the file system does not tell the types (some network file systems), Node asks for the type of each name that
 * it has read ahead, and loses the rest of them when one has vanished. So it must not read ahead. It joins path and name
 * for that, so both must be of one kind; the type declarations know no names in bytes.
 */
const open = (folder: string): Dir =>
  opendirSync(Buffer.from(folder), { encoding: "buffer" as BufferEncoding, bufferSize: 1 });

function next(dir: Dir): Dirent<Buffer> | null {
  for (;;) {
    try {
      return dir.readSync() as unknown as Dirent<Buffer> | null;
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw error;
      if ((error as NodeJS.ErrnoException).syscall !== "lstat") return null;
    }
  }
}
