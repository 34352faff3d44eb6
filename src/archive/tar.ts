import { quote } from "../format.ts";
import type { ArchiveEntry, EntryType, Sink } from "./entry.ts";
import { corrupt, unsupported } from "./faults.ts";
import { type PaxRecords, parsePax, sparse } from "./pax.ts";
import { blockSize, isZero, nameText, parseHeader, type TarHeader } from "./tar-header.ts";

/** Longer names and attributes than this are an attempt to use up the memory. */
const maxExtension = 1024 * 1024;

/** What extension headers say of the next entry. */
interface Extensions extends PaxRecords {
  readonly longName?: string;
  readonly longLink?: string;
}

/** Reads a tar archive (POSIX ustar and pax, GNU) that comes in chunks of any size. */
export class TarReader {
  readonly #sink: Sink;
  #header = Buffer.alloc(0);
  /** Bytes of content that are still to come, and of the filling after them. */
  #content = 0;
  #filling = 0;
  #receive: Receiver = ignore;
  #global: PaxRecords = {};
  #pending: Extensions | undefined;
  #pendingBytes = 0;
  #last = "";
  #zeroBlocks = 0;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  /** @throws Failure of the sink, or `integrity` where the bytes are no tar archive */
  write(chunk: Buffer): void {
    for (let at = 0; at < chunk.length && this.#zeroBlocks < 2;) at += this.#take(chunk.subarray(at));
  }

  /** The archive has ended. @throws Failure `integrity` where it was not complete */
  end(): void {
    if (this.#zeroBlocks > 0) return;
    const where = this.#last === "" ? "before its first entry" : `after ${quote(this.#last)}`;
    const how =
      this.#content > 0 || this.#filling > 0 || this.#header.length > 0
        ? "it is cut off"
        : "its end is missing";
    throw corrupt(`${how} ${where}`);
  }

  /** Answers how many bytes it has used. */
  #take(bytes: Buffer): number {
    if (this.#content > 0) return this.#takeContent(bytes.subarray(0, this.#content));
    if (this.#filling > 0) {
      const used = Math.min(this.#filling, bytes.length);
      this.#filling -= used;
      return used;
    }
    return this.#takeHeader(bytes.subarray(0, blockSize - this.#header.length));
  }

  #takeContent(bytes: Buffer): number {
    this.#receive.write(bytes);
    this.#content -= bytes.length;
    if (this.#content === 0) this.#receive.end();
    return bytes.length;
  }

  #takeHeader(bytes: Buffer): number {
    const block = this.#header.length === 0 ? bytes : Buffer.concat([this.#header, bytes]);
    if (block.length < blockSize) this.#header = Buffer.from(block);
    else {
      this.#header = Buffer.alloc(0);
      this.#block(block);
    }
    return bytes.length;
  }

  #block(block: Buffer): void {
    if (isZero(block)) {
      if (this.#pending) throw corrupt("it ends after an extended header");
      this.#zeroBlocks++;
      return;
    }
    if (this.#zeroBlocks > 0)
      throw corrupt(
        `a block of zeros stands ${this.#last && `after ${quote(this.#last)} `}in the middle of it`,
      );
    const header = parseHeader(block);
    const size = this.#begin(header);
    this.#content = size;
    this.#filling = (blockSize - (size % blockSize)) % blockSize;
    if (size === 0) this.#receive.end();
  }

  /** Decides who receives the content of the entry; answers how many bytes of content follow. */
  #begin(header: TarHeader): number {
    this.#receive = ignore;
    const extension = this.#extension(header);
    if (extension) {
      this.#receive = extension;
      return header.size;
    }
    const entry = toEntry(header, { ...this.#global, ...this.#pending });
    this.#pending = undefined;
    this.#pendingBytes = 0;
    if (!entry) return header.size;
    this.#last = entry.name;
    const wanted = this.#sink.begin(entry);
    if (wanted && entry.type === "file") this.#receive = this.#sink;
    return entry.size ?? 0;
  }

  #extension({ type, size }: TarHeader): Receiver | undefined {
    const use = this.#extensions[type];
    if (!use) return undefined;
    this.#pendingBytes += size;
    if (this.#pendingBytes > maxExtension) throw corrupt("an extended header is longer than 1 MiB");
    return collect(use);
  }

  readonly #extensions: Record<string, ((body: Buffer) => void) | undefined> = {
    x: (body) => this.#expect(parsePax(body)),
    g: (body) => {
      const { mtime, ...others } = parsePax(body);
      if (Object.keys(others).length > 0)
        throw corrupt("a global header gives every entry the same name or size");
      this.#global = mtime === undefined ? this.#global : { mtime };
    },
    L: (body) => this.#expect({ longName: nameText(untilNul(body)) }),
    K: (body) => this.#expect({ longLink: nameText(untilNul(body)) }),
  };

  #expect(extensions: Extensions): void {
    this.#pending = { ...this.#pending, ...extensions };
  }
}

/** What takes the content of an entry or of an extension header. */
type Receiver = Pick<Sink, "write" | "end">;

const ignore: Receiver = { write() {}, end() {} };

function collect(use: (body: Buffer) => void): Receiver {
  const parts: Buffer[] = [];
  return { write: (bytes) => void parts.push(Buffer.from(bytes)), end: () => use(Buffer.concat(parts)) };
}

function untilNul(body: Buffer): Buffer {
  const end = body.indexOf(0);
  return end < 0 ? body : body.subarray(0, end);
}

/** The entry, or undefined for what is no file (a volume label). */
function toEntry(header: TarHeader, extensions: Extensions): ArchiveEntry | undefined {
  if (header.type === "V") return undefined;
  const name = extensions.path ?? extensions.longName ?? nameText(header.name);
  const type = typeOf(header.type, name);
  const size = extensions.size ?? header.size;
  if (type === "folder" && header.type !== "5" && size > 0)
    throw corrupt(`the folder ${quote(name)} has content`);
  return {
    name,
    type,
    // POSIX: what is no file has no content here, whatever its size field says.
    size: type === "file" ? size : 0,
    mode: header.mode,
    mtime: extensions.mtime ?? header.mtime,
    target: isLink(type) ? (extensions.linkpath ?? extensions.longLink ?? nameText(header.linkName)) : "",
  };
}

const isLink = (type: EntryType): boolean => type === "symlink" || type === "hardlink";

const types: Record<string, EntryType | undefined> = {
  "\0": "file",
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character device",
  "4": "block device",
  "5": "folder",
  "6": "FIFO",
  "7": "file",
};

function typeOf(code: string, name: string): EntryType {
  const type = types[code];
  if (type === "file") return name.endsWith("/") ? "folder" : "file";
  if (type) return type;
  if (code === "S") throw sparse(name);
  throw unsupported(
    `the archive holds ${quote(name)}, an entry of type ${quote(code)}`,
    "pack it again as POSIX pax (tar --format=pax)",
  );
}
