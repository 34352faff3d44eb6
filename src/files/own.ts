import { errnoOf } from "../system-errors.ts";

/** Stands for an id that is to stay as it is, with chown(2). */
export const unchanged = -1;

const notKept = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EINVAL"]);

/**
 * Sets a mode or time of what this process has made itself. A file system that keeps none (SMB, some FUSE) refuses
 * that, which is no reason to fail unless the user asked for it.
 */
export function whereKept(isAsked: boolean, set: () => void): void {
  try {
    set();
  } catch (error) {
    if (isAsked || !notKept.has(errnoOf(error) ?? "")) throw error;
  }
}
