import { readdirSync } from "node:fs";
import { join } from "node:path";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

/** The folders that initkit consists of. */
export const folders = ["lib", "licenses", "bin"] as const;

/**
 * What becomes visible one after the other: first what programs load, then the programs, and at the very end the one
 * that users start.
 */
export const order: readonly ((path: string) => boolean)[] = [
  (path) => !path.startsWith("bin/"),
  (path) => path.startsWith("bin/") && path !== entryPoint,
  (path) => path === entryPoint,
];

const entryPoint = "bin/initkit";

/**
 * The files of the initkit at a root, by their paths below it.
 * @throws Failure where they cannot be listed
 */
export function filesOf(root: string): string[] {
  try {
    return folders.flatMap((folder) => readdirSync(join(root, folder)).map((name) => `${folder}/${name}`));
  } catch (error) {
    throw fileFailure(`cannot list the files of initkit in ${quote(root)}`, error);
  }
}
