import { chmodSync, chownSync, type Stats } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { look } from "./look.ts";

/**
 * Gives a new file the owner and mode of the one whose place it is to take.
 * @param place of that one, for the message
 * @throws Failure `access` where this user may not
 */
export function keepTraits(file: string, there: Stats, place: string): void {
  const made = look(file)!;
  try {
    if (made.uid !== there.uid || made.gid !== there.gid) chownSync(file, there.uid, there.gid);
    chmodSync(file, there.mode & 0o7777);
  } catch (error) {
    throw fileFailure(`cannot keep owner and mode of ${quote(place)}`, error);
  }
}
