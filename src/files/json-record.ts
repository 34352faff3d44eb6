import { closeSync, constants, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A record longer than this is none of ours. */
const maxBytes = 64 * 1024 * 1024;

/** The value in a file of JSON; undefined where there is none, or one that cannot be read. A link is not followed. */
export function readRecord(path: string): unknown {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const about = fstatSync(descriptor);
      return about.isFile() && about.size <= maxBytes
        ? JSON.parse(readFileSync(descriptor, "utf8"))
        : undefined;
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return undefined;
  }
}

/** @param staging a folder on the same volume */
export function writeRecord(path: string, value: unknown, staging: string): void {
  const draft = join(staging, "record");
  writeFileSync(draft, `${JSON.stringify(value)}\n`);
  renameSync(draft, path);
}
