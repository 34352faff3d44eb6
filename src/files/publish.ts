import { closeSync, constants, fsyncSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";
import { closeOff, settle, type StagedTree } from "./folder-traits.ts";
import { look } from "./look.ts";
import { Merge } from "./merge.ts";

/**
 * Moves a complete file to its place in one step; a link at that place is replaced, not followed.
 * @param staged on the same volume
 * @throws Failure `access` or `io`; what was at the place is then untouched
 */
export function publishFile(staged: string, path: string): void {
  try {
    if (look(path)?.isDirectory()) throw new Failure("access", `cannot write ${quote(path)}: it is a folder`);
    renameSync(staged, path);
    syncFolder(dirname(path));
  } catch (error) {
    if (errnoOf(error) === "EBUSY") throw isMounted(path);
    throw diskFailure(`cannot write ${quote(path)}`, error, dirname(path));
  }
}

const isMounted = (path: string): Failure =>
  new Failure("access", `cannot write ${quote(path)}: a file is mounted there`, {
    hint: "what a subPath mounts can only be changed at its source: write to another path, or mount the folder instead",
  });

interface Occasions {
  /** Called when all is checked and before the first change in a folder that is there. */
  readonly beforeMerge?: (replacesSomething: boolean) => void;
  /** Called when everything is in place, and the destination is still open to this process where it is new. */
  readonly onceThere?: () => void;
}

/**
 * Moves a tree to its place: in one step where nothing is there, else merged into the folder that is there, whose
 * own owner and mode stay. No link in that folder is followed. Nothing is moved before everything is known to fit.
 * @throws Failure `access` or `io`
 */
export async function publishTree(
  tree: StagedTree,
  destination: string,
  { beforeMerge = () => {}, onceThere = () => {} }: Occasions = {},
): Promise<void> {
  try {
    if (!look(destination) && moveWhole(tree, destination, onceThere)) return;
    await new Merge(tree, destination).run(beforeMerge);
    syncFolder(destination);
    onceThere();
  } catch (error) {
    throw diskFailure(`cannot write to ${quote(destination)}`, error, dirname(destination));
  }
}

/** Answers false where a folder has come into being at that place. */
function moveWhole(tree: StagedTree, destination: string, onceThere: () => void): boolean {
  settle(tree, new Set());
  try {
    renameSync(tree.root, destination);
  } catch (error) {
    if (["ENOTEMPTY", "EEXIST"].includes(errnoOf(error) ?? "")) return false;
    throw error;
  }
  onceThere();
  closeOff(destination, tree.folders.get("")!);
  syncFolder(dirname(destination));
  return true;
}

const realErrors = new Set(["EIO", "ENOSPC", "EDQUOT"]);

/** Makes the entries of a folder durable, where the file system can do that. */
function syncFolder(path: string): void {
  try {
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY);
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (realErrors.has(errnoOf(error) ?? "")) throw error;
  }
}
