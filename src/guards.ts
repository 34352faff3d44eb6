import { opendirSync, statSync } from "node:fs";
import { quote } from "./format.ts";
import { errnoOf, fileFailure } from "./system-errors.ts";
import type { PlannedStep } from "./plan.ts";

/**
 * Why a step is skipped, or undefined where it is to run. `if-missing` is met by an empty folder too.
 * @throws Failure where a path cannot be looked at
 */
export function skipReason({
  when,
  "if-exists": exists,
  "if-missing": missing,
}: PlannedStep["common"]): string | undefined {
  if (when !== undefined && isFalse(when)) return `when is ${quote(when)}`;
  if (exists !== undefined && !isThere(exists)) return `${quote(exists)} is not there`;
  if (missing !== undefined && isThere(missing) && !isEmptyFolder(missing))
    return `${quote(missing)} is there`;
  return undefined;
}

const falseWords = ["", "false", "no", "off", "0"];

const isFalse = (when: string): boolean => falseWords.includes(when.trim().toLowerCase());

/** A link counts for what it leads to, as with the `test` of a shell. */
function isThere(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return false;
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

function isEmptyFolder(path: string): boolean {
  try {
    const folder = opendirSync(path);
    try {
      return folder.readSync() === null;
    } finally {
      folder.closeSync();
    }
  } catch (error) {
    if (errnoOf(error) === "ENOTDIR") return false;
    throw fileFailure(`cannot look into ${quote(path)}`, error);
  }
}
