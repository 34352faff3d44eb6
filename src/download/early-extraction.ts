import { rmSync } from "node:fs";
import { GrowingFile } from "../archive/growing-file.ts";
import type { Tree } from "../archive/tree.ts";
import type { Archive } from "../archive/unpack.ts";
import { Failure } from "../failure.ts";

/** Unpacks an archive into a new folder. */
type Stage = (archive: Archive, root: string, signal: AbortSignal) => Promise<Tree>;

interface Try {
  readonly file: GrowingFile;
  readonly root: string;
  readonly stopper: AbortController;
  readonly tree: Promise<Tree>;
}

/**
 * Unpacks an archive into a private folder while it still comes. Nothing of that is to be used before all of the archive
 * has come and has been found right.
 */
export class EarlyExtraction implements AsyncDisposable {
  readonly #root: string;
  readonly #stage: Stage;
  readonly #hopeless = new AbortController();
  #current: Try | undefined;

  /** @param root a folder that is not there yet */
  constructor(root: string, stage: Stage) {
    this.#root = root;
    this.#stage = stage;
  }

  /** Aborted with a failure that no further byte can mend. */
  get hopeless(): AbortSignal {
    return this.#hopeless.signal;
  }

  /**
   * Begins anew with an archive of which some bytes are there already.
   * @param archive whose path is that of a file that will only be appended to, until `begin` is called again
   * @param hasDigest it will be known in the end whether a fault is the archive's own, or came with the bytes
   */
  async begin(archive: Omit<Archive, "growing">, bytes: number, hasDigest: boolean): Promise<void> {
    await this.#stop();
    const file = new GrowingFile(archive.path, bytes);
    const root = this.#root;
    const stopper = new AbortController();
    const tree = this.#stage({ ...archive, growing: file }, root, stopper.signal);
    tree.catch((error: unknown) => {
      const mayBeTheBytes = hasDigest && error instanceof Failure && error.code === "integrity";
      if (!stopper.signal.aborted && !mayBeTheBytes) this.#hopeless.abort(error);
    });
    this.#current = { file, root, stopper, tree };
  }

  /** @param bytes of the archive that are there now */
  grew(bytes: number): void {
    this.#current?.file.grow(bytes);
  }

  /**
   * Tells that all of the archive is there.
   * @returns what was unpacked; nothing where none was begun
   * @throws Failure `integrity`, `access` or `io`
   */
  async finish(): Promise<Tree | undefined> {
    this.#current?.file.finish();
    return await this.#current?.tree;
  }

  async #stop(): Promise<void> {
    if (!this.#current) return;
    const { file, root, stopper, tree } = this.#current;
    const reason = new Error("what was unpacked is not wanted any more");
    stopper.abort(reason);
    file.abandon(reason);
    await tree.catch(() => {});
    rmSync(root, { recursive: true, force: true });
    this.#current = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stop();
  }
}
