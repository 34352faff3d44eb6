/** A file that another part of the program is still appending to, for whoever reads it meanwhile. */
export class GrowingFile {
  readonly path: string;
  #bytes: number;
  #isWhole = false;
  #news = Promise.withResolvers<void>();

  /** @param bytes that are there already */
  constructor(path: string, bytes: number) {
    this.path = path;
    this.#bytes = bytes;
  }

  /** @param bytes that are there now */
  grow(bytes: number): void {
    this.#bytes = bytes;
    this.#tell();
  }

  /** Nothing more will come. */
  finish(): void {
    this.#isWhole = true;
    this.#tell();
  }

  /** What is there is no use any more: whoever waits for more gets this error. */
  abandon(reason: Error): void {
    this.#news.promise.catch(() => {});
    this.#news.reject(reason);
  }

  #tell(): void {
    this.#news.resolve();
    this.#news = Promise.withResolvers();
  }

  /** Waits until more bytes than these are there; false where there never will be. */
  async hasMoreThan(bytes: number): Promise<boolean> {
    while (bytes >= this.#bytes && !this.#isWhole) await this.#news.promise;
    return bytes < this.#bytes;
  }

  /** Waits until all of it is there. */
  async whole(): Promise<void> {
    await this.hasMoreThan(Infinity);
  }
}
