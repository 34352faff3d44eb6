import { lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../format.ts";
import type { Context } from "../task.ts";
import { type CopyPlan, identitiesAbove } from "./copy-plan.ts";
import { CopyProgress } from "./copy-progress.ts";
import { AnyDifference } from "./copy-sink.ts";
import { traitsOfFolder } from "./copy-traits.ts";
import { CopyTree } from "./copy-tree.ts";
import { type CopyOptions, CopyWalk } from "./copy-walk.ts";
import { prepareFolder, withStagingFor } from "./destination.ts";
import { diskFailure } from "./disk.ts";
import type { FolderTraits } from "./folder-traits.ts";
import { look } from "./look.ts";
import { publishTree } from "./publish.ts";

/** What a copy has come to. */
export interface Copied {
  /** Files and links of the sources, and the bytes in the files. */
  readonly files: number;
  readonly bytes: number;
  /** Files, links and folders that were missing at the destination, or differed. */
  readonly changed: number;
}

type Surroundings = Pick<Context, "log" | "signal">;

/**
 * Makes the destination have what the plan says, and changes there only what differs. All that is to change is first
 * written to a folder beside it, and then moved to its place.
 * @throws Failure `access` or `io`
 */
export async function copy(plan: CopyPlan, options: CopyOptions, context: Surroundings): Promise<Copied> {
  await prepareFolder(plan.destination, context.signal);
  const above = identitiesAbove(plan.destination);
  const found = look(plan.destination) && (await findUnchanged(plan, { ...options, above }, context));
  return (
    found ??
    (await withStagingFor(plan.destination, (staging) =>
      copyBy(staging, plan, { ...options, above }, context),
    ))
  );
}

type Options = CopyOptions & { readonly above: ReadonlySet<string> };

/** Undefined where anything differs; up to there, nothing has been written. */
async function findUnchanged(
  plan: CopyPlan,
  options: Options,
  context: Surroundings,
): Promise<Copied | undefined> {
  const [sink, progress] = [new AnyDifference(), new CopyProgress(context)];
  await new CopyWalk(plan, { ...options, keepsModes: true }, sink, progress).run();
  return sink.isFull ? undefined : { files: progress.files, bytes: progress.bytes, changed: 0 };
}

async function copyBy(
  staging: string,
  plan: CopyPlan,
  options: Options,
  context: Surroundings,
): Promise<Copied> {
  const { destination } = plan;
  const progress = new CopyProgress(context);
  const tree = new CopyTree(...newRoot(staging, plan, options), progress);
  await new CopyWalk(plan, { ...options, keepsModes: keepsModes(staging) }, tree, progress).run();
  context.signal.throwIfAborted();
  const isNew = look(destination) === undefined;
  if (isNew || tree.changed > 0) await publishTree(tree, destination);
  return { files: progress.files, bytes: progress.bytes, changed: tree.changed + Number(isNew) };
}

/** The folder that becomes the destination where that is not there: with the mode that a new folder has here. */
function newRoot(staging: string, { isNamed }: CopyPlan, options: Options): [string, FolderTraits] {
  const root = join(staging, "tree");
  try {
    mkdirSync(root);
    const wanted = isNamed ? options : { mode: undefined, ids: {} };
    return [root, traitsOfFolder(lstatSync(root), wanted, false)];
  } catch (error) {
    throw diskFailure(`cannot make the folder ${quote(root)}`, error, staging);
  }
}

/** The staging folder was made for its owner alone; SMB and some FUSE file systems show another mode. */
const keepsModes = (staging: string): boolean => (lstatSync(staging).mode & 0o777) === 0o700;
