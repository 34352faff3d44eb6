import { lstatSync, readdirSync, renameSync, type Stats } from "node:fs";
import { dirname, join } from "node:path";
import { fingerprint } from "./digest.ts";
import { look } from "./look.ts";

/**
 * A part is a folder with what a run has received so far. A run works on it in its own staging folder and, where it
 * fails, moves it out beside that, for a later run to move into its own: so no two runs ever work on the same part.
 */
const partName = /^\.initkit-part-[0-9a-f]{16}-[0-9]+$/;

/** Says what the part is of. A part without it is worth nothing. */
export const aboutName = "about.json";

/** After so long nobody comes back for a part, in milliseconds. */
const forgottenAfterMs = 7 * 24 * 60 * 60 * 1000;

/**
 * @param purpose what it is for, in words that a later run says again
 * @param index which of several
 */
export const partNameOf = (purpose: readonly string[], index: number): string =>
  `${prefixOf(purpose)}${index}`;

const prefixOf = (purpose: readonly string[]): string =>
  `.initkit-part-${fingerprint(purpose).slice(0, 16)}-`;

/** Moves the parts in a staging folder out beside it. Where there is one already, that one stays. Never fails. */
export function keepParts(staging: string): void {
  for (const name of partNames(staging)) {
    if (look(join(staging, name, aboutName))) move(join(staging, name), join(dirname(staging), name));
  }
}

/**
 * Moves a part into the staging folder beside it. One of another user, or a link in its place, is left alone.
 * @returns whether there was one
 */
export function takePart(staging: string, name: string): boolean {
  const [outside, inside] = [join(dirname(staging), name), join(staging, name)];
  if (!isOwnFolder(outside) || !move(outside, inside)) return false;
  if (isOwnFolder(inside)) return true;
  // Somebody has swapped it in between: in the staging folder nobody can do so again.
  move(inside, join(staging, "swapped"));
  return false;
}

/** The parts in a folder that no run will come back for: those for a purpose that is fulfilled, and very old ones. */
export function idleParts(folder: string, fulfilled: readonly string[]): string[] {
  const isOld = (name: string) =>
    (aboutPart(join(folder, name))?.mtimeMs ?? Infinity) < Date.now() - forgottenAfterMs;
  return partNames(folder).filter((name) => name.startsWith(prefixOf(fulfilled)) || isOld(name));
}

/** Whether it is a folder of this user, and no link to one. */
export function isOwnFolder(path: string): boolean {
  const about = aboutPart(path);
  return about !== undefined && about.isDirectory() && about.uid === process.geteuid!();
}

function partNames(folder: string): string[] {
  try {
    return readdirSync(folder).filter((name) => partName.test(name));
  } catch {
    return [];
  }
}

function aboutPart(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

function move(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch {
    return false;
  }
}
