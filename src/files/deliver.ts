import { fstatSync } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { withEntry } from "./handle.ts";
import type { Mode } from "./mode.ts";
import type { Ids } from "./owner.ts";
import { deniedFailure } from "./refusals.ts";
import { setTraitsOf } from "./set-permissions.ts";

/**
 * Gives a file or folder the owner and mode that are asked for, both or neither. Of a link it changes nothing.
 * @returns whether it had another one
 * @throws Failure `access` where this user may not change them
 */
export function setTraits(path: string, ids: Ids, mode: Mode | undefined): boolean {
  const doing = `cannot set owner and mode of ${quote(path)}`;
  try {
    return withEntry(Buffer.from(path), (fd) => {
      if (fstatSync(fd).isSymbolicLink()) throw isLink();
      return setTraitsOf(fd, { ids, directoryMode: mode, fileMode: mode });
    });
  } catch (error) {
    throw deniedFailure(doing, error) ?? fileFailure(doing, error);
  }
}

/** As open(2) says it with O_NOFOLLOW. */
const isLink = (): Error => Object.assign(new Error("it is a link"), { code: "ELOOP" });
