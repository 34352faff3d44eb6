import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { Readable } from "node:stream";
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
const chunkSize = 512 * 1024;

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
    else if (growing) yield* follow(growing, compression, tell);
    else yield* stream(createReadStream(path, { highWaterMark: chunkSize }), path, compression, tell);
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

async function* follow(
  growing: GrowingFile,
  compression: EngineCompression | undefined,
  tell: Tell,
): AsyncGenerator<Buffer> {
  const descriptor = openSync(growing.path, "r");
  try {
    const file = Readable.from(growing.read(descriptor, chunkSize), { objectMode: false });
    yield* stream(file, growing.path, compression, tell);
  } finally {
    closeSync(descriptor);
  }
}

/** By an engine of Node's zlib, or as it is. */
async function* stream(
  file: Readable,
  path: string,
  compression: EngineCompression | undefined,
  tell: Tell,
): AsyncGenerator<Buffer> {
  try {
    if (compression) yield* decompress(file, path, compression, tell);
    else yield* plain(file, tell);
  } finally {
    file.destroy();
    if (!file.closed) await new Promise((resolve) => file.once("close", resolve));
  }
}

async function* plain(file: Readable, tell: Tell): AsyncGenerator<Buffer> {
  let used = 0;
  for await (const chunk of file as AsyncIterable<Buffer>) {
    tell((used += chunk.length));
    yield chunk;
  }
}

async function* decompress(
  file: Readable,
  path: string,
  compression: EngineCompression,
  tell: Tell,
): AsyncGenerator<Buffer> {
  // One chunk ahead: while its thread makes the next one, this one is written to the disk.
  const options = { chunkSize, readableHighWaterMark: chunkSize };
  const engine = compression === "gz" ? createGunzip(options) : createZstdDecompress(options);
  file.once("error", (error) => engine.destroy(error));
  file.pipe(engine);
  try {
    for await (const chunk of engine) {
      tell(engine.bytesWritten);
      yield chunk as Buffer;
    }
    checkEnd(path, compression, engine.bytesWritten);
  } catch (error) {
    throw damaged(compression, error);
  } finally {
    engine.destroy();
  }
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
  const isOfEngine = code.startsWith("Z_") || code.startsWith("ZSTD_");
  return isOfEngine ? corrupt(`the ${compression} data is damaged (${(error as Error).message})`) : error;
}
