/** So many bytes wait for their turn at most. */
const maxWaiting = 256 * 1024;

/** Hands pieces on in order; what comes while one batch is in use makes the next one. */
export class Batches {
  readonly #use: (batch: readonly Buffer[]) => Promise<void>;
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #batch = Promise.resolve();
  #work: Promise<void> | undefined;

  /** @param use after it has failed, it is not called again */
  constructor(use: (batch: readonly Buffer[]) => Promise<void>) {
    this.#use = use;
  }

  /**
   * Resolves when there is room for more.
   * @throws what `use` has thrown, of this piece or of earlier ones
   */
  async add(piece: Buffer): Promise<void> {
    this.#waiting.push(piece);
    this.#waitingBytes += piece.length;
    this.#work ??= this.#useAll();
    // Whoever adds nothing more learns of a failure by `finish`.
    this.#work.catch(() => {});
    if (this.#waitingBytes >= maxWaiting) await this.#batch;
  }

  /** Resolves when all pieces have been used. @throws what `use` has thrown */
  async finish(): Promise<void> {
    await this.#work;
  }

  async #useAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      this.#batch = this.#use(this.#waiting);
      this.#waiting = [];
      this.#waitingBytes = 0;
      await this.#batch;
    }
    this.#work = undefined;
  }
}
