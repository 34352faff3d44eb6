import { lstatSync, type Stats } from "node:fs";
import { errnoOf } from "../system-errors.ts";

/** What is at a path, a link itself and not what it leads to; undefined where nothing is or can be. */
export function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if (["ENOTDIR", "ENAMETOOLONG"].includes(errnoOf(error) ?? "")) return undefined;
    throw error;
  }
}
