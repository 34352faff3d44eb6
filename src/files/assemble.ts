import { closeSync, fsyncSync, openSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { diskFailure } from "./disk.ts";

/** Bytes, or a file that holds them. */
export type Part = Buffer | { readonly path: string };

const chunkSize = 256 * 1024;

/**
 * Writes the parts one after the other to a new file and makes it durable.
 * @throws Failure `access` or `io`
 */
export function assemble(path: string, parts: Iterable<Part>, signal: AbortSignal): void {
  const doing = "cannot write the file";
  const descriptor = open(path, "wx", doing);
  try {
    for (const part of parts) {
      if (Buffer.isBuffer(part)) writeAll(descriptor, part);
      else copyFrom(part.path, descriptor, signal);
    }
    fsyncSync(descriptor);
  } catch (error) {
    throw diskFailure(doing, error, dirname(path));
  } finally {
    closeSync(descriptor);
  }
}

function open(path: string, flags: string, doing: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw diskFailure(doing, error, dirname(path));
  }
}

function copyFrom(source: string, descriptor: number, signal: AbortSignal): void {
  const from = openSource(source);
  const buffer = Buffer.allocUnsafe(chunkSize);
  try {
    for (let length = read(from, buffer, source); length > 0; length = read(from, buffer, source)) {
      signal.throwIfAborted();
      writeAll(descriptor, buffer.subarray(0, length));
    }
  } finally {
    closeSync(from);
  }
}

function openSource(source: string): number {
  try {
    return openSync(source, "r");
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
