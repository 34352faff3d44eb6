import { chmodSync } from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { diskFailure } from "../files/disk.ts";
import type { StagedTree } from "../files/folder-traits.ts";
import { makeFolders, withParents } from "../files/parents.ts";
import { publishTree } from "../files/publish.ts";
import { sweep, withStaging } from "../files/staging.ts";
import { count, quote } from "../format.ts";
import { type Context, done, type Result, unchanged } from "../task.ts";
import { version } from "../version.ts";
import { copyFile, isCopy } from "./copy-file.ts";
import { findLeftovers, recordFiles, removeLeftovers } from "./leftovers.ts";
import { filesOf, order } from "./parts.ts";

interface Installation {
  readonly root: string;
  readonly folder: string;
  /** All files of initkit, below the root and the folder. */
  readonly files: readonly string[];
  /** Those that the folder lacks, or has otherwise. */
  readonly missing: readonly string[];
  /** Files of an older version. */
  readonly leftovers: readonly string[];
}

/**
 * Copies initkit into a folder, file by file where it differs. Every file appears whole, and the program that users
 * start appears last; what runs from there meanwhile keeps the files that it has open.
 * @param root where initkit is
 * @throws Failure `access` or `io`; the reason of the signal
 */
export async function install(
  root: string,
  folder: string,
  context: Pick<Context, "signal" | "log">,
): Promise<Result> {
  await sweep(folder, context.signal);
  const files = filesOf(root);
  const missing = await findMissing(root, folder, files, context.signal);
  const leftovers = findLeftovers(folder, files);
  const told = { copied: missing.length, removed: leftovers.length };
  if (missing.length + leftovers.length === 0) {
    return unchanged(`initkit ${version} is in ${quote(folder)} already`, told);
  }
  await change({ root, folder, files, missing, leftovers }, context);
  return done(
    `initkit ${version} is in ${quote(folder)} (${count(missing.length, "file")} copied, ${leftovers.length} removed)`,
    told,
  );
}

async function findMissing(
  root: string,
  folder: string,
  files: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const missing = [];
  for (const path of files) {
    if (!isCopy(join(folder, path), join(root, path))) missing.push(path);
    await setImmediate();
    signal.throwIfAborted();
  }
  return missing;
}

async function change(
  installation: Installation,
  { signal, log }: Pick<Context, "signal" | "log">,
): Promise<void> {
  const { folder } = installation;
  await withParents(join(folder, "bin"), () =>
    withStaging(folder, async (staging) => {
      const trees = await stage(installation, staging, signal, (path) => log.progress(`copying ${path}`));
      await publish(installation, trees, staging);
    }),
  );
}

/** Copies what is missing, a tree for each of the times at which something is to become visible. */
async function stage(
  { root, missing }: Installation,
  staging: string,
  signal: AbortSignal,
  tell: (path: string) => void,
): Promise<StagedTree[]> {
  const trees = [];
  for (const [index, isPart] of order.entries()) {
    const tree = newTree(join(staging, String(index)), missing.filter(isPart));
    for (const path of missing.filter(isPart)) {
      tell(path);
      await copyFile(join(root, path), join(tree.root, path));
      signal.throwIfAborted();
    }
    trees.push(tree);
  }
  return trees;
}

/** A tree of the folders that these files are in. */
function newTree(root: string, paths: readonly string[]): StagedTree {
  const traits = { mode: folderMode, mtime: undefined, ids: {}, isNamed: false, isAsked: false };
  const names = new Set(["", ...paths.map((path) => dirname(path))]);
  for (const name of names) makeFolder(join(root, name));
  return { root, folders: new Map([...names].map((name) => [name, traits])) };
}

/** Other users than this one are to run what is in the folders, whatever its umask. */
const folderMode = 0o755;

function makeFolder(path: string): void {
  try {
    if (makeFolders(path).length > 0) chmodSync(path, folderMode);
  } catch (error) {
    throw diskFailure(`cannot make the folder ${quote(path)}`, error, dirname(path));
  }
}

/**
 * The folders are made first and only files are moved, so that two runs at the same time do not get in each other's
 * way. The record speaks of a file for as long as it may be there.
 */
async function publish(
  { folder, files, leftovers }: Installation,
  trees: readonly StagedTree[],
  staging: string,
): Promise<void> {
  recordFiles(folder, [...files, ...leftovers], staging);
  for (const name of trees.flatMap((tree) => [...tree.folders.keys()])) makeFolder(join(folder, name));
  for (const tree of trees) await publishTree(tree, folder);
  if (leftovers.length === 0) return;
  removeLeftovers(folder, leftovers);
  recordFiles(folder, files, staging);
}
