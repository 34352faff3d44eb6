import { readFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import { formatBytes } from "../format.ts";
import { unsupported } from "./faults.ts";

const mebibyte = 1024 * 1024;

/** What xz -9 asks for. */
const largestDictionary = 64 * mebibyte;

/** What xz asks for by itself. The memory of Node shrinks by as much when there is need. */
const usualDictionary = 8 * mebibyte;

/** For the program itself, whose pages come and go, for content on its way to the disk, and for what Node may still need. */
const reserve = 24 * mebibyte;

/** What was measured to be enough beside a dictionary, with some more. */
const enoughBeside = 80 * mebibyte;

/** How much of a dictionary may be filled before the kernel would end the process for its memory. */
export class DictionaryMemory {
  readonly #limit = process.constrainedMemory();
  readonly #rest = this.#limit - anonymousMemory() - reserve;

  /** @throws Failure `integrity` where no xz -1 to -9 makes such a dictionary */
  checkSize(dictionarySize: number): void {
    if (dictionarySize <= largestDictionary) return;
    throw unsupported(
      `it needs a dictionary of ${formatBytes(dictionarySize)}`,
      "compress it with one of at most 64 MiB, which xz -9 has",
    );
  }

  /** A dictionary takes memory as far as it has been filled. @throws Failure `integrity` where there is no more */
  checkFilled(filled: number, dictionarySize: number): void {
    // Without a limit Node tells 0, or a number beyond all memory.
    if (this.#limit === 0 || filled <= Math.max(this.#rest, usualDictionary)) return;
    throw new Failure(
      "integrity",
      `its dictionary of ${formatBytes(dictionarySize)} does not fit into the memory limit of ${formatBytes(this.#limit)}`,
      {
        kind: "unsupported",
        hint: `raise the container's memory limit to ${formatBytes(dictionarySize + enoughBeside)}, or compress it with xz -6 or less`,
      },
    );
  }
}

/** The bytes of this process that the kernel cannot take back, unlike pages of files (proc_pid_status(5)). */
function anonymousMemory(): number {
  const [, kibibytes] = /^RssAnon:\s+([0-9]+) kB$/m.exec(readFileSync("/proc/self/status", "utf8")) ?? [];
  return Number(kibibytes ?? 0) * 1024;
}
