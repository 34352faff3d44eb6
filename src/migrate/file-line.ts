import { applyInTransaction, applyNext, begin, inOrder, isWhole, type Work } from "./apply.ts";
import { listen } from "./notices.ts";
import type { ScriptFile } from "./script-file.ts";

/**
 * Applies files, each in a transaction of the session's own. The next one is sent already while the server is at work
 * on one, which does not have to wait for us between them. It runs only if all before it went well: it needs the
 * transaction that the end of the file before it begins.
 */
export class FileLine {
  readonly #work: Work;
  readonly #files: readonly ScriptFile[];
  /** The end of the file that was sent ahead. */
  #ahead: Promise<void> | undefined;

  /** @param files in the order of their application */
  constructor(work: Work, files: readonly ScriptFile[]) {
    this.#work = work;
    this.#files = files;
  }

  async apply(index: number): Promise<void> {
    if (!this.#isWhole(index)) return await applyInTransaction(this.#work, this.#files[index]!);
    const applied = this.#ahead ?? this.#sendFirst(index);
    this.#ahead = this.#isWhole(index + 1) ? this.#send(index + 1) : undefined;
    try {
      await applied;
    } catch (error) {
      await this.#ahead?.catch(() => {});
      this.#ahead = undefined;
      throw error;
    }
  }

  #isWhole(index: number): boolean {
    const file = this.#files[index];
    return file !== undefined && isWhole(file);
  }

  #sendFirst(index: number): Promise<void> {
    return inOrder([begin(this.#work.session), this.#send(index)]);
  }

  /** What comes of it is asked in its turn, or never. */
  #send(index: number): Promise<void> {
    const file = this.#files[index]!;
    listen(this.#work, file);
    const applied = applyNext(this.#work, file, this.#isWhole(index + 1));
    applied.catch(() => {});
    return applied;
  }
}
