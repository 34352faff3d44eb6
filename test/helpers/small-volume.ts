import { execFileSync } from "node:child_process";

/** A volume of 1 MiB at a folder that is there, or undefined where this user may not mount one. */
export function mountSmallVolume(path: string): Disposable | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", path], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return { [Symbol.dispose]: () => execFileSync("umount", [path]) };
}
