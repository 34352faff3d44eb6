import { readlinkSync } from "node:fs";
import { join } from "node:path";
import { look } from "../files/look.ts";

/** More links than this in one path are a loop, to Linux too (path_resolution(7)). */
const maxLinks = 40;

/**
 * Whether a symbolic link leads out of the folder that it is extracted to, followed as the kernel would: each part
 * of its target may be a link in turn, of the same archive or one that is in the folder already. Links that lead round
 * and round lead nowhere.
 * @param path of the link, below the folder
 * @param targetOf tells the target of each link of the archive, by its path
 * @param tree where the rest of the archive stands now
 * @param destination the folder
 */
export function leadsOut(
  path: string,
  targetOf: (path: string) => string | undefined,
  tree: string,
  destination: string,
): boolean {
  const place = path.split("/").slice(0, -1);
  const parts = [path.split("/").at(-1)!];
  const seen = new Set<string>();
  for (let links = 0; parts.length > 0;) {
    const part = parts.shift()!;
    if (part === "" || part === ".") continue;
    if (part === "..") {
      if (place.pop() === undefined) return true;
      continue;
    }
    const target = linkAt([...place, part].join("/"), targetOf, tree, destination);
    if (target === undefined) {
      place.push(part);
      continue;
    }
    if (isRound(seen, [...place, part, ...parts])) return false;
    if (++links > maxLinks) return true;
    if (target.startsWith("/")) {
      if (!`${target}/`.startsWith(destination.replace(/\/*$/, "/"))) return true;
      place.length = 0;
    }
    parts.unshift(...(target.startsWith("/") ? target.slice(destination.length) : target).split("/"));
  }
  return false;
}

/** Whether just these names have been come to before. */
function isRound(seen: Set<string>, names: readonly string[]): boolean {
  const path = names.join("/");
  const isSeen = seen.has(path);
  seen.add(path);
  return isSeen;
}

function linkAt(
  path: string,
  targetOf: (path: string) => string | undefined,
  tree: string,
  destination: string,
): string | undefined {
  const own = targetOf(path);
  if (own !== undefined || look(join(tree, path))) return own;
  return readLink(join(destination, path));
}

function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
