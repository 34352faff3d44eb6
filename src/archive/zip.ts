import { isUtf8 } from "node:buffer";
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Readable } from "node:stream";
import { crc32, createInflateRaw, inflateRawSync } from "node:zlib";
import type { Entry, RandomAccessReader, ZipFile } from "yauzl";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";
import type { Tell } from "./decompress.ts";
import type { ArchiveEntry, EntryType, Sink } from "./entry.ts";
import { corrupt, unsafe, unsupported } from "./faults.ts";
import { nameText } from "./tar-header.ts";

type Yauzl = typeof import("yauzl");

const chunkSize = 128 * 1024;
/** The longest target of a link, Linux's PATH_MAX. */
const maxTarget = 4096;

/**
 * Reads a zip archive (APPNOTE.TXT of PKWARE), as its central directory tells it.
 * @throws Failure of the sink; `integrity` where the bytes are no zip archive or a checksum or size is wrong
 */
export async function readZip(path: string, sink: Sink, signal: AbortSignal, tell: Tell): Promise<void> {
  const { default: yauzl } = await import("yauzl");
  const descriptor = openFile(path);
  try {
    const zip = await openZip(yauzl, descriptor);
    await new ZipReader(yauzl, zip, descriptor, sink).read(signal, tell);
  } catch (error) {
    throw asFailure(path, error);
  } finally {
    closeSync(descriptor);
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}

/** Reads headers at once, where the library's own way takes a trip through the thread pool for each. */
async function openZip(yauzl: Yauzl, descriptor: number): Promise<ZipFile> {
  class Reader extends yauzl.RandomAccessReader {
    override read(...[buffer, offset, length, position, done]: Parameters<RandomAccessReader["read"]>): void {
      const read = readSync(descriptor, buffer, offset, length, position);
      done(read < length ? corrupt("it is cut off") : null);
    }
  }
  const options = { autoClose: false, decodeStrings: false };
  return await yauzl.fromRandomAccessReaderPromise(new Reader(), fstatSync(descriptor).size, options);
}

/** What the library throws is an Error without a name of its own, whose message tells what is wrong. */
function asFailure(path: string, error: unknown): unknown {
  if (errnoOf(error)) return fileFailure(`cannot read ${quote(path)}`, error);
  const isPlain = error instanceof Error && error.constructor === Error;
  return isPlain && !("code" in error && String(error.code).startsWith("ERR_"))
    ? corrupt(quote(error.message))
    : error;
}

class ZipReader {
  readonly #yauzl: Yauzl;
  readonly #zip: ZipFile;
  readonly #descriptor: number;
  readonly #sink: Sink;
  #used = 0;

  constructor(yauzl: Yauzl, zip: ZipFile, descriptor: number, sink: Sink) {
    this.#yauzl = yauzl;
    this.#zip = zip;
    this.#descriptor = descriptor;
    this.#sink = sink;
  }

  async read(signal: AbortSignal, tell: Tell): Promise<void> {
    for await (const entry of this.#zip.eachEntry()) {
      signal.throwIfAborted();
      this.#checkOverlap(entry);
      await this.#entry(entry, signal);
      tell(this.#used);
    }
  }

  /** Entries that share their bytes can make a small archive enormous. */
  #checkOverlap({ compressedSize, fileNameLength }: Entry): void {
    this.#used += 30 + fileNameLength + compressedSize;
    if (this.#used > this.#zip.fileSize) throw corrupt("its entries overlap");
  }

  async #entry(entry: Entry, signal: AbortSignal): Promise<void> {
    const name = this.#nameOf(entry);
    const type = typeOf(entry, name);
    const target = type === "symlink" ? await this.#targetOf(entry, name, signal) : "";
    const wanted = this.#sink.begin({ name, type, target, ...traitsOf(entry) });
    if (!wanted) return;
    for await (const chunk of this.#contentOf(entry, name, signal)) this.#sink.write(chunk);
    this.#sink.end();
  }

  async #targetOf(entry: Entry, name: string, signal: AbortSignal): Promise<string> {
    if (entry.uncompressedSize > maxTarget) throw unsafe(`the target of the link ${quote(name)} is too long`);
    const target = nameText(Buffer.concat(await Array.fromAsync(this.#contentOf(entry, name, signal))));
    if (target === "" || target.includes("\0"))
      throw unsafe(`the link ${quote(name)} leads to ${quote(target)}`);
    return target;
  }

  /** Names without a mark are in the code page of DOS, unless they were written on Unix and are UTF-8. */
  #nameOf({ fileNameRaw: raw, generalPurposeBitFlag: flags, extraFields, versionMadeBy }: Entry): string {
    const marked = (flags & 0x800) !== 0;
    if (marked || (isUnix(versionMadeBy) && isUtf8(raw))) return nameText(raw);
    return this.#yauzl.getFileNameLowLevel(flags, raw, extraFields, true);
  }

  /** The content of an entry, whose size and checksum are as announced. */
  async *#contentOf(entry: Entry, name: string, signal: AbortSignal): AsyncGenerator<Buffer> {
    let [size, checksum] = [0, 0];
    for await (const chunk of this.#inflated(entry, name)) {
      signal.throwIfAborted();
      size += chunk.length;
      if (size > entry.uncompressedSize) throw corrupt(`${quote(name)} holds more than it says`);
      checksum = crc32(chunk, checksum);
      yield chunk;
    }
    if (size < entry.uncompressedSize) throw corrupt(`${quote(name)} holds less than it says`);
    if (checksum !== entry.crc32) throw corrupt(`the checksum of ${quote(name)} is wrong`);
  }

  async *#inflated(entry: Entry, name: string): AsyncGenerator<Buffer> {
    if (entry.isEncrypted())
      throw unsupported(`${quote(name)} is encrypted`, "pack it again without a password");
    const method = entry.compressionMethod;
    if (method !== 0 && method !== 8) {
      throw unsupported(`${quote(name)} is compressed with method ${method}`, "pack it again with deflate");
    }
    const { fileDataStart } = await this.#zip.readLocalFileHeaderPromise(entry, { minimal: true });
    const bytes = this.#bytes(fileDataStart, entry.compressedSize);
    if (method === 0) yield* bytes;
    else if (Math.max(entry.compressedSize, entry.uncompressedSize) <= chunkSize) {
      yield inflateSmall(Buffer.concat([...bytes]), entry.uncompressedSize, name);
    } else yield* inflate(bytes, name);
  }

  *#bytes(start: number, length: number): Generator<Buffer> {
    for (let at = 0; at < length;) {
      const buffer = Buffer.allocUnsafe(Math.min(chunkSize, length - at));
      const read = readSync(this.#descriptor, buffer, 0, buffer.length, start + at);
      if (read === 0) throw corrupt("it is cut off");
      yield buffer.subarray(0, read);
      at += read;
    }
  }
}

/** A stream for each of many small files costs ten times as much. */
function inflateSmall(bytes: Buffer, size: number, name: string): Buffer {
  try {
    return inflateRawSync(bytes, { maxOutputLength: Math.max(size, 1) });
  } catch (error) {
    throw damaged(error, name);
  }
}

async function* inflate(bytes: Iterable<Buffer>, name: string): AsyncGenerator<Buffer> {
  const engine = createInflateRaw({ chunkSize });
  const source = Readable.from(bytes).once("error", (error) => engine.destroy(error));
  try {
    yield* source.pipe(engine);
  } catch (error) {
    throw damaged(error, name);
  } finally {
    source.destroy();
    engine.destroy();
  }
}

function damaged(error: unknown, name: string): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "ERR_BUFFER_TOO_LARGE") return corrupt(`${quote(name)} holds more than it says`);
  return code.startsWith("Z_") ? corrupt(`${quote(name)} is damaged (${(error as Error).message})`) : error;
}

const isUnix = (versionMadeBy: number): boolean => [3, 19].includes(versionMadeBy >> 8);

/** The type bits of a Unix mode (inode(7)). */
const types: Record<number, EntryType | undefined> = {
  0o010000: "FIFO",
  0o020000: "character device",
  0o040000: "folder",
  0o060000: "block device",
  0o100000: "file",
  0o120000: "symlink",
  0o140000: "socket",
};

const modeOf = ({ versionMadeBy, externalFileAttributes }: Entry): number =>
  isUnix(versionMadeBy) ? externalFileAttributes >>> 16 : 0;

function typeOf(entry: Entry, name: string): EntryType {
  const type = types[modeOf(entry) & 0o170000] ?? "file";
  if (!name.endsWith("/")) return type;
  if (entry.uncompressedSize > 0) throw corrupt(`the folder ${quote(name)} has content`);
  return "folder";
}

function traitsOf(entry: Entry): Pick<ArchiveEntry, "size" | "mode" | "mtime"> {
  const mode = modeOf(entry);
  return {
    size: entry.uncompressedSize,
    mode: mode === 0 ? undefined : mode & 0o7777,
    mtime: entry.getLastModDate().getTime() / 1000,
  };
}
