import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { resolveOwner } from "../files/owner.ts";
import { publishTree } from "../files/publish.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import type { Log } from "../task.ts";
import type { ExtractArguments } from "./options.ts";
import type { ExtractRecord, Records } from "./record.ts";
import { Selection } from "./selection.ts";
import { listPaths, summarize } from "./summary.ts";
import { Tree } from "./tree.ts";
import { type Archive, unpack } from "./unpack.ts";

export interface Extraction {
  /** Of one source; a later one may replace what an earlier one has brought. */
  readonly archives: readonly Archive[];
  readonly destination: string;
  /** A private folder on the volume of the destination. */
  readonly staging: string;
  readonly args: ExtractArguments;
  readonly records: Records;
  /** What the record is to say of the archive. */
  readonly known: Omit<ExtractRecord, "tree">;
}

/**
 * Extracts the archives of a source into a folder: first all of it into the staging folder, then to its place.
 * @throws Failure `integrity`, `access` or `io`; what was at the destination is then as it was
 */
export async function extractTo(
  extraction: Extraction,
  signal: AbortSignal,
  log: Log,
): Promise<ExtractRecord["tree"]> {
  const { archives, destination, staging, args, records, known } = extraction;
  const tree = newTree(extraction);
  await unpack(archives, tree, new Selection(rulesOf(args)), signal, (used) => {
    log.progress(
      `extracting ${archives[0]!.label}: ${entriesOf(tree)}, ${formatBytes(tree.bytes)}, from ${formatBytes(used)}`,
    );
  });
  signal.throwIfAborted();
  const paths = listPaths(tree.root);
  log.progress(`moving ${entriesOf(tree)} to ${quote(destination)}`);
  await publishTree(tree, destination, (replaces) => records.forget(replaces, staging));
  const summary = summarize(destination, paths, tree, records.traits);
  remember(extraction, { ...known, tree: summary }, log);
  return summary;
}

export const entriesOf = ({ entries }: { entries: number }): string =>
  `${entries} ${entries === 1 ? "entry" : "entries"}`;

function newTree({ staging, destination, args }: Extraction): Tree {
  const ids = resolveOwner(args.owner ?? {});
  const root = join(staging, "tree");
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
