import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";
import type { Transform } from "node:stream";
import { createGunzip, createZstdDecompress } from "node:zlib";
import { quote } from "../format.ts";
import { setImmediate } from "node:timers/promises";
import { errnoOf, fileFailure } from "../system-errors.ts";
import { ByteSource } from "./byte-source.ts";
import { corrupt, unsupported } from "./faults.ts";
import type { Compression } from "./format.ts";
import type { GrowingFile } from "./growing-file.ts";
import { isWholeFrames } from "./zstd-frames.ts";

/** Smaller ones cost time, for each takes turns of two threads; larger ones cost memory. */
const chunkSize = 256 * 1024;

/** Is told how many bytes of the file have been used. */
export type Tell = (used: number) => void;

type EngineCompression = Exclude<Compression, "xz" | "bz2">;

/** Whether content can be read while it still comes. initkit's own decoders do not wait. */
export const canFollow = (compression: Compression | undefined): boolean =>
  compression !== "xz" && compression !== "bz2";

/**
 * The content of a file, decompressed where `compression` is given, in chunks.
 * Each is valid until the next one is asked for.
 * @param growing where it still grows
 * @throws Failure `integrity` where it is cut off, damaged, or followed by something else
 */
export async function* contentOf(
  path: string,
  compression: Compression | undefined,
  tell: Tell,
  growing?: GrowingFile,
): AsyncGenerator<Buffer> {
  try {
    if (compression === "xz" || compression === "bz2") yield* decode(path, compression, tell);
    else yield* stream(path, compression, tell, growing);
  } catch (error) {
    throw errnoOf(error) ? fileFailure(`cannot read ${quote(path)}`, error) : error;
  }
}

/** By a decoder of initkit's own, which Node has none for. Between chunks everything else has its turn. */
async function* decode(path: string, compression: "xz" | "bz2", tell: Tell): AsyncGenerator<Buffer> {
  const contentIn = await decoders[compression]();
  const descriptor = openSync(path, "r");
  try {
    const source = new ByteSource(descriptor);
    for (const chunk of contentIn(source)) {
      tell(source.used);
      yield chunk;
      await setImmediate();
    }
  } finally {
    closeSync(descriptor);
  }
}

const decoders = {
  xz: async () => (await import("./xz.ts")).xzContent,
  bz2: async () => (await import("./bzip2.ts")).bzip2Content,
};

/** By an engine of Node's zlib, or as it is. */
async function* stream(
  path: string,
  compression: EngineCompression | undefined,
  tell: Tell,
  growing: GrowingFile | undefined,
): AsyncGenerator<Buffer> {
  const { open } = await import("node:fs/promises");
  await using file = await open(path, "r");
  const chunks = chunksOf(file, growing);
  if (compression) yield* decompress(chunks, path, compression, tell);
  else yield* plain(chunks, tell);
}

/** The bytes of a file. Each chunk is valid until the next but one is asked for. */
async function* chunksOf(file: FileHandle, growing: GrowingFile | undefined): AsyncGenerator<Buffer> {
  let [buffer, other] = [Buffer.allocUnsafe(chunkSize), Buffer.allocUnsafe(chunkSize)];
  for (let at = 0; !growing || (await growing.hasMoreThan(at));) {
    const { bytesRead } = await file.read(buffer, 0, chunkSize, at);
    if (bytesRead === 0) return;
    at += bytesRead;
    yield buffer.subarray(0, bytesRead);
    [buffer, other] = [other, buffer];
  }
}

async function* plain(chunks: AsyncGenerator<Buffer>, tell: Tell): AsyncGenerator<Buffer> {
  let used = 0;
  for await (const chunk of chunks) {
    tell((used += chunk.length));
    yield chunk;
  }
}

async function* decompress(
  chunks: AsyncGenerator<Buffer>,
  path: string,
  compression: EngineCompression,
  tell: Tell,
): AsyncGenerator<Buffer> {
  // One chunk ahead: while its thread makes the next one, this one is written to the disk.
  const options = { chunkSize, readableHighWaterMark: chunkSize };
  const engine = compression === "gz" ? createGunzip(options) : createZstdDecompress(options);
  void feed(engine, chunks);
  try {
    for await (const chunk of engine as AsyncIterable<Buffer<ArrayBuffer>>) {
      tell(engine.bytesWritten);
      yield chunk;
      release(chunk);
    }
    checkEnd(path, compression, engine.bytesWritten);
  } catch (error) {
    throw damaged(compression, error);
  } finally {
    engine.destroy();
  }
}

/**
 * The next chunk is at hand when the engine has used one up, for it to go on with at once. What goes wrong in the
 * engine, its reader is told.
 */
async function feed(engine: Transform, chunks: AsyncGenerator<Buffer>): Promise<void> {
  try {
    let before = Promise.resolve();
    for await (const chunk of chunks) {
      const used = new Promise<void>((resolve) => void engine.write(chunk, () => resolve()));
      await before;
      if (engine.destroyed) return;
      before = used;
    }
    engine.end();
  } catch (error) {
    engine.destroy(error as Error);
  }
}

/**
 * An engine does not come back to memory that it has filled to its end, and the collector may be long in coming. Small
 * pieces that a stream has joined may lie in memory that Node shares among many, which is of another size.
 */
function release({ buffer, byteOffset, length }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === chunkSize && byteOffset + length === chunkSize) buffer.transfer(0);
}

/**
 * The engines stop at what is no further member or frame, and pass that over in silence.
 * Zeros after gzip are no fault: gzip(1) takes them for the padding of a tape.
 */
function checkEnd(path: string, compression: EngineCompression, used: number): void {
  const descriptor = openSync(path, "r");
  try {
    const { size } = fstatSync(descriptor);
    const read = (offset: number, length: number) => {
      const buffer = Buffer.alloc(length);
      return buffer.subarray(0, readSync(descriptor, buffer, 0, length, offset));
    };
    const isEnd = compression === "gz" ? isZeros(used, size, read) : isWholeFrames(size, read);
    if (!isEnd) throw corrupt("something else follows the compressed data");
  } finally {
    closeSync(descriptor);
  }
}

function isZeros(from: number, to: number, read: (offset: number, length: number) => Buffer): boolean {
  for (let at = from; at < to; at += chunkSize) {
    if (read(at, chunkSize).some((byte) => byte !== 0)) return false;
  }
  return true;
}

function damaged(compression: EngineCompression, error: unknown): unknown {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  if (code === "Z_BUF_ERROR") return corrupt("the compressed data is cut off");
  if (code === "ZSTD_error_frameParameter_windowTooLarge") {
    return unsupported("it needs a window of more than 128 MiB", "compress it without --long or --ultra");
  }
  if (code.startsWith("ZSTD_error_dictionary")) {
    return unsupported("it was compressed with a dictionary", "compress it without -D or --patch-from");
  }
  const isOfEngine = code.startsWith("Z_") || code.startsWith("ZSTD_");
  return isOfEngine ? corrupt(`the ${compression} data is damaged (${(error as Error).message})`) : error;
}
