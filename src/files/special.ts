import type { Stats } from "node:fs";

/** Whether a file may take the place of what is there: of a device, a pipe or a socket somebody else has the other end. */
export const isReplaceable = (there: Stats): boolean => there.isFile() || there.isSymbolicLink();

/** What something is that is neither a file nor a folder nor a link. */
export function describeSpecial(stats: Stats): string {
  if (stats.isFIFO()) return "a named pipe";
  if (stats.isSocket()) return "a socket";
  return stats.isFile() || stats.isDirectory() ? "something else than a moment ago" : "a device";
}
