import { mkdirSync } from "node:fs";
import { resolveOwner } from "../files/owner.ts";
import { publishTree } from "../files/publish.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import type { Log } from "../task.ts";
import type { ExtractArguments } from "./options.ts";
import type { ExtractRecord, Records } from "./record.ts";
import { Selection } from "./selection.ts";
import { listPaths, summarize, type TreeSummary } from "./summary.ts";
import { Tree } from "./tree.ts";
import { type Archive, unpack } from "./unpack.ts";

/** Where a tree is for, and how it is to be. */
export interface Plan {
  readonly destination: string;
  readonly args: ExtractArguments;
}

export interface Extraction extends Plan {
  /** A private folder on the volume of the destination. */
  readonly staging: string;
  readonly records: Records;
  /** What the record is to say of the archive. */
  readonly known: Omit<ExtractRecord, "tree">;
}

/**
 * Unpacks the archives of one source into a new private folder; a later one may replace what an earlier one has brought.
 * @throws Failure `integrity`, `access` or `io`
 */
export async function stage(
  archives: readonly Archive[],
  root: string,
  { destination, args }: Plan,
  signal: AbortSignal,
  tell: (message: string) => void,
): Promise<Tree> {
  const tree = newTree(root, destination, args);
  await unpack(archives, tree, new Selection(rulesOf(args)), signal, (used) => {
    tell(
      `extracting ${archives[0]!.label}: ${entriesOf(tree)}, ${formatBytes(tree.bytes)}, from ${formatBytes(used)}`,
    );
  });
  signal.throwIfAborted();
  return tree;
}

/**
 * Moves a staged tree to its place, and remembers it.
 * @throws Failure `access` or `io`; what was at the destination is then as it was
 */
export async function publish(tree: Tree, extraction: Extraction, log: Log): Promise<ExtractRecord["tree"]> {
  const { destination, staging, records, known } = extraction;
  const paths = listPaths(tree.root);
  log.progress(`moving ${entriesOf(tree)} to ${quote(destination)}`);
  let summary: TreeSummary | undefined;
  await publishTree(tree, destination, {
    beforeMerge: (replaces) => records.forget(replaces, staging),
    onceThere() {
      summary = summarize(destination, paths, tree, records.traits);
      remember(extraction, { ...known, tree: summary }, log);
    },
  });
  return summary!;
}

export const entriesOf = ({ entries }: { entries: number }): string =>
  `${entries} ${entries === 1 ? "entry" : "entries"}`;

function newTree(root: string, destination: string, args: ExtractArguments): Tree {
  const ids = resolveOwner(args.owner ?? {});
  try {
    mkdirSync(root);
  } catch (error) {
    throw fileFailure(`cannot make the folder ${quote(root)}`, error);
  }
  return new Tree(root, {
    destination,
    mode: args.mode,
    ids,
    maxExtracted: args["max-extracted"],
    maxEntries: args["max-entries"],
  });
}

const rulesOf = ({ strip = 0, subpath, include, exclude }: ExtractArguments) => ({
  strip,
  subpath,
  include,
  exclude,
});

/** Without its record the step is done all the same; it only cannot see that the next time. */
function remember({ records, staging, destination }: Extraction, record: ExtractRecord, log: Log): void {
  try {
    records.remember(record, staging);
  } catch (error) {
    const { message } = fileFailure(`cannot write the record in ${quote(destination)}`, error);
    log.warn(`${message}; the next run will extract again`);
  }
}
