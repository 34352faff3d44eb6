import { readFileSync, realpathSync } from "node:fs";
import { relative } from "node:path";

/**
 * The mount points below a folder, as paths relative to it: nothing can be renamed across or over them, even where
 * the volume is the same (a subPath). Empty where the system does not tell.
 */
export function mountsBelow(folder: string, mountinfo = "/proc/self/mountinfo"): ReadonlySet<string> {
  try {
    const root = realpathSync(folder);
    const points = readFileSync(mountinfo, "utf8").split("\n").map(mountPoint);
    const inside = points.filter((point) => point.startsWith(root.replace(/\/*$/, "/")));
    return new Set(inside.map((point) => relative(root, point)));
  } catch {
    return new Set();
  }
}

/** The fifth field of a line, with its octal escapes undone (proc_pid_mountinfo(5)). */
function mountPoint(line: string): string {
  const field = line.split(" ")[4] ?? "";
  return field.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}
