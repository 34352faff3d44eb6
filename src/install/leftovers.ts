import { closeSync, unlinkSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { diskFailure } from "../files/disk.ts";
import { inFolder, isGone, openFolder } from "../files/handle.ts";
import { readRecord, writeRecord } from "../files/json-record.ts";
import { look } from "../files/look.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { folders } from "./parts.ts";

/** What `install` has put into a folder. Only that is ever removed: others may have files in `bin` there. */
interface InstallRecord {
  readonly version: 1;
  readonly files: readonly string[];
}

const recordPath = (folder: string): string => join(folder, ".install.initkit.json");

/**
 * Files that an older version has brought, and that are not among those of this one.
 * @throws Failure `access` or `io`
 */
export function findLeftovers(folder: string, files: readonly string[]): string[] {
  const record = readRecord(recordPath(folder)) as Partial<InstallRecord> | null | undefined;
  if (record?.version !== 1 || !Array.isArray(record.files)) return [];
  const old = new Set<unknown>(record.files).difference(new Set(files));
  return [...old].filter(isPath).filter((path) => isFile(join(folder, path)));
}

/** Whoever can write to the volume can write the record: it must not lead elsewhere. */
function isPath(value: unknown): value is string {
  const [folder, name, ...more] = typeof value === "string" ? value.split("/") : [];
  return folders.some((each) => each === folder) && Boolean(name) && more.length === 0;
}

function isFile(path: string): boolean {
  try {
    return look(path)?.isFile() ?? false;
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

/** @throws Failure `access` or `io` */
export function removeLeftovers(folder: string, paths: readonly string[]): void {
  for (const path of paths) {
    try {
      unlinkBelow(folder, path);
    } catch (error) {
      if (!isGone(error)) throw fileFailure(`cannot remove ${quote(join(folder, path))}`, error);
    }
  }
}

/** Not through a link, which may have taken the place of the folder. */
function unlinkBelow(folder: string, path: string): void {
  const parent = openFolder(join(folder, dirname(path)));
  try {
    unlinkSync(inFolder(parent, Buffer.from(basename(path))));
  } finally {
    closeSync(parent);
  }
}

/**
 * @param staging a folder on the same volume
 * @throws Failure `access` or `io`
 */
export function recordFiles(folder: string, files: readonly string[], staging: string): void {
  try {
    writeRecord(recordPath(folder), { version: 1, files } satisfies InstallRecord, staging);
  } catch (error) {
    throw diskFailure(`cannot write the record in ${quote(folder)}`, error, folder);
  }
}
