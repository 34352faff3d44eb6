import { closeSync, fsyncSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";
import { openOrdinary } from "./ordinary-file.ts";

/** Bytes, or a file that holds them. */
export type Part = Buffer | { readonly path: string };

const chunkSize = 256 * 1024;

/**
 * Writes the parts one after the other to a new file and makes it durable.
 * @throws Failure `access` or `io`
 */
export function assemble(path: string, parts: Iterable<Part>, signal: AbortSignal): void {
  const doing = "cannot write the file";
  const descriptor = open(path, doing);
  try {
    for (const bytes of bytesOf(parts, signal)) writeAll(descriptor, bytes);
    fsyncSync(descriptor);
  } catch (error) {
    throw diskFailure(doing, error, dirname(path));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The bytes of the parts one after the other, in chunks. Each is valid until the next one is asked for.
 * @throws Failure `access` or `io` where a file cannot be read; the reason of the signal
 */
export function* bytesOf(parts: Iterable<Part>, signal: AbortSignal): Generator<Buffer> {
  for (const part of parts) {
    if (Buffer.isBuffer(part)) yield part;
    else yield* bytesIn(part.path, signal);
  }
}

/**
 * How many bytes the parts have; undefined where only reading them can tell.
 * @throws Failure `access` or `io` where a file cannot be looked at
 */
export function sizeOf(parts: Iterable<Part>): number | undefined {
  const sizes = Array.from(parts, (part) => (Buffer.isBuffer(part) ? part.length : sizeOfFile(part.path)));
  return sizes.includes(undefined) ? undefined : sizes.reduce<number>((sum, size) => sum + size!, 0);
}

/** Files of the kernel have no size, and hold something all the same. */
function sizeOfFile(path: string): number | undefined {
  try {
    const about = statSync(path);
    return about.isFile() && about.size > 0 ? about.size : undefined;
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}

function open(path: string, doing: string): number {
  try {
    return openSync(path, "wx");
  } catch (error) {
    throw diskFailure(doing, error, dirname(path));
  }
}

function* bytesIn(source: string, signal: AbortSignal): Generator<Buffer> {
  const from = openSource(source);
  const buffer = Buffer.allocUnsafe(chunkSize);
  try {
    for (let length = read(from, buffer, source); length > 0; length = read(from, buffer, source)) {
      signal.throwIfAborted();
      yield buffer.subarray(0, length);
    }
  } finally {
    closeSync(from);
  }
}

function openSource(source: string): number {
  try {
    return openOrdinary(source);
  } catch (error) {
    throw fileFailure(`cannot read ${quote(source)}`, error);
  }
}

function read(descriptor: number, buffer: Buffer, source: string): number {
  try {
    return readSync(descriptor, buffer);
  } catch (error) {
    throw fileFailure(`cannot read ${quote(source)}`, error);
  }
}

function writeAll(descriptor: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(descriptor, bytes, at);
}
