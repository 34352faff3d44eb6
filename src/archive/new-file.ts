import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  futimesSync,
  openSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import type { FolderTraits } from "../files/folder-traits.ts";
import { setIds } from "../files/mode.ts";
import { unchanged, whereKept } from "../files/own.ts";
import { errnoOf } from "../system-errors.ts";

const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/** How a file is to be once its content is there. */
export type FileTraits = Omit<FolderTraits, "isNamed">;

/** A file that is being extracted. What a method throws is the error of the system call that failed. */
export class NewFile {
  readonly #descriptor: number;
  readonly #traits: FileTraits;

  /** Makes it, where there may be an earlier one of the same name. */
  constructor(path: string, traits: FileTraits) {
    this.#traits = traits;
    this.#descriptor = replacing(path, () => openSync(path, flags, traits.mode));
  }

  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) at += writeSync(this.#descriptor, chunk, at);
  }

  /**
   * Gives it its mode, time and owner. The owner comes last: whoever may give files away need not be allowed to change
   * those of others.
   * @param umasked the bits of a mode that every new file may have here
   */
  settle(umasked: number): void {
    const { mode, isAsked, mtime } = this.#traits;
    const setMode = () => whereKept(isAsked, () => fchmodSync(this.#descriptor, mode));
    if ((mode & ~umasked) !== 0 || isAsked) setMode();
    if (mtime !== undefined) whereKept(false, () => futimesSync(this.#descriptor, mtime, mtime));
    if (this.#giveAway() && (mode & setIds) !== 0) setMode();
  }

  #giveAway(): boolean {
    const { uid, gid } = this.#traits.ids;
    if (uid === undefined && gid === undefined) return false;
    fchownSync(this.#descriptor, uid ?? unchanged, gid ?? unchanged);
    return true;
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}

/** Makes a file where there may be an earlier one of the same name. */
export function replacing<T>(path: string, make: () => T): T {
  try {
    return make();
  } catch (error) {
    if (errnoOf(error) !== "EEXIST") throw error;
    unlinkSync(path);
    return make();
  }
}
