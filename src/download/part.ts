import { constants, mkdirSync, readFileSync, rmSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import { join } from "node:path";
import { diskFailure } from "../files/disk.ts";
import { fingerprint } from "../files/digest.ts";
import { readRecord, writeRecord } from "../files/json-record.ts";
import { aboutName, isOwnFolder, takePart } from "../files/parts.ts";
import { type Digest, shownDigest } from "./checksum.ts";
import { Digests } from "./digests.ts";
import type { Beginning } from "./partial.ts";

/** What bytes a part is of. */
export interface Origin {
  /** The source as the user names it. */
  readonly url: URL;
  /** The digests that the whole must have. */
  readonly digests: readonly Digest[];
}

/** What a server said of the whole when it sent the part. */
export interface Version {
  readonly length: number | undefined;
  readonly ifRange: string | undefined;
}

interface About extends Version {
  readonly version: 1;
  /** A digest of the URL, which may hold secrets. */
  readonly url: string;
  readonly digests: string;
  readonly boot: string;
}

/** What is there of a source, read again: the state of a digest cannot be kept. */
export interface Found extends Beginning {
  readonly digests: Digests;
}

const { O_RDONLY, O_WRONLY, O_CREAT, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;

/**
 * The bytes of a download that is under way, and what is known of them, in a folder of the staging folder that a
 * later run finds again.
 */
export class Part {
  readonly #folder: string;
  readonly #origin: Origin;

  /**
   * Takes over what an earlier run has left, if there is something.
   * @throws Failure `access` or `io`
   */
  constructor(staging: string, name: string, origin: Origin) {
    this.#folder = join(staging, name);
    this.#origin = origin;
    if (isOwnFolder(this.#folder) || takePart(staging, name)) return;
    this.#attempt(() => mkdirSync(this.#folder, 0o700));
  }

  /** Where the bytes are. */
  get path(): string {
    return join(this.#folder, "bytes");
  }

  /**
   * What is there already of just this source, to be carried on.
   * @throws the reason of the signal
   */
  async find(signal: AbortSignal): Promise<Found | undefined> {
    const about = readRecord(join(this.#folder, aboutName)) as Partial<About> | undefined;
    if (!about || !this.#isOfOrigin(about)) return undefined;
    const digests = await this.#reread(signal);
    const length = typeof about.length === "number" ? about.length : undefined;
    if (!digests || digests.bytes === 0 || digests.bytes > (length ?? Infinity)) return undefined;
    const ifRange = about.url === this.#url && typeof about.ifRange === "string" ? about.ifRange : undefined;
    return { digests, bytes: digests.bytes, length, ifRange };
  }

  /**
   * A digest tells in the end whether all of it was right. Else the server must be asked by what it said before, and
   * no power failure must have come in between, for then a file may have its length but not its bytes.
   */
  #isOfOrigin({ version, url, digests, ifRange, boot }: Partial<About>): boolean {
    if (version !== 1) return false;
    if (this.#digests !== "" && digests === this.#digests) return true;
    return url === this.#url && typeof ifRange === "string" && boot !== "" && boot === bootId();
  }

  async #reread(signal: AbortSignal): Promise<Digests | undefined> {
    const digests = new Digests(this.#origin.digests);
    try {
      const { open } = await import("node:fs/promises");
      await using file = await open(this.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
      if (!(await isOwnFile(file))) return undefined;
      const chunks = file.createReadStream({ highWaterMark: 1024 * 1024, signal });
      for await (const chunk of chunks) digests.update(chunk as Buffer);
      return digests;
    } catch {
      signal.throwIfAborted();
      return undefined;
    }
  }

  /** Forgets what is there, what it is first: it must never be said of other bytes. */
  reset(): void {
    this.#attempt(() => {
      for (const name of [aboutName, "bytes"])
        rmSync(join(this.#folder, name), { force: true, recursive: true });
    });
  }

  /** Opens the file to append to it. */
  async open(): Promise<FileHandle> {
    const flags = O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK;
    const { open } = await import("node:fs/promises");
    return await open(this.path, flags).catch((error: unknown) => this.#fail(error));
  }

  /** Makes it a part that a later run can carry on; without a validator or a digest it is none. */
  describe({ length, ifRange }: Version): void {
    if (ifRange === undefined && this.#digests === "") return;
    const [url, digests, boot] = [this.#url, this.#digests, bootId()];
    const about: About = { version: 1, url, digests, length, ifRange, boot };
    this.#attempt(() => writeRecord(join(this.#folder, aboutName), about, this.#folder));
  }

  get #url(): string {
    return fingerprint(this.#origin.url.href);
  }

  get #digests(): string {
    return this.#origin.digests.map(shownDigest).join();
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): never {
    throw diskFailure("cannot write the download", error, this.#folder);
  }
}

/** A file that this user has made, of which there is no other name. */
async function isOwnFile(file: FileHandle): Promise<boolean> {
  const about = await file.stat();
  return about.isFile() && about.uid === process.geteuid!() && about.nlink === 1;
}

/** Another one after every start of a node; empty where the kernel does not tell. */
function bootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  } catch {
    return "";
  }
}
