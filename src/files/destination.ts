import { dirname } from "node:path";
import { statSync } from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { look } from "./look.ts";
import { withParents } from "./parents.ts";
import { sweep, withStaging } from "./staging.ts";

/**
 * Whether the folder that something is to be put into is there already. Removes what killed runs have left in it and
 * beside it.
 * @throws Failure `access` where something else is there
 */
export async function prepareFolder(destination: string, signal: AbortSignal): Promise<void> {
  await sweep(dirname(destination), signal);
  if (isFolder(destination)) await sweep(destination, signal);
}

/** @throws Failure `access` where something else is there */
function isFolder(path: string): boolean {
  try {
    const about = statSync(path, { throwIfNoEntry: false });
    if (about?.isDirectory()) return true;
    if (!about && !look(path)) return false;
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
  throw new Failure("access", `${quote(path)} is not a folder`, {
    hint: "name a folder, or one that is not there yet",
  });
}

/**
 * Calls `use` with a new private folder on the volume of the destination: in it where it is there, else beside it.
 * Missing parents are made, and taken away again where `use` fails.
 */
export async function withStagingFor<T>(
  destination: string,
  use: (staging: string) => Promise<T>,
): Promise<T> {
  if (isFolder(destination)) return await withStaging(destination, use);
  return await withParents(destination, () => withStaging(dirname(destination), use));
}
