import { mkdirSync, rmdirSync } from "node:fs";
import { dirname } from "node:path";
import { quote } from "../format.ts";
import { diskFailure } from "./disk.ts";

/**
 * Makes the missing parents of a path.
 * @returns takes away again those that are still empty
 * @throws Failure `access` or `io`
 */
export function makeParents(path: string): () => void {
  const parent = dirname(path);
  try {
    const first = mkdirSync(parent, { recursive: true });
    return first === undefined ? () => {} : () => removeEmpty(parent, first);
  } catch (error) {
    throw diskFailure(`cannot make the folder ${quote(parent)}`, error, "/");
  }
}

function removeEmpty(folder: string, first: string): void {
  try {
    for (let path = folder; path.length >= first.length; path = dirname(path)) rmdirSync(path);
  } catch {
    // Somebody has put something into it.
  }
}
