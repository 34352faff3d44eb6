import { closeSync, fstatSync, readSync } from "node:fs";
import { openOrdinary } from "./ordinary-file.ts";

const chunkSize = 256 * 1024;

/**
 * Whether a file is, or ends with, the same bytes as another one.
 * @throws the error of the system call that failed
 */
export function sameContent(path: string, other: string, { onlyEnd = false } = {}): boolean {
  const comparing = compareContent(path, other, { onlyEnd });
  for (;;) {
    const { done, value } = comparing.next();
    if (done) return value;
  }
}

/**
 * The same, chunk by chunk, so that the caller can do something else in between.
 * @throws the error of the system call that failed
 */
export function* compareContent(
  path: string,
  other: string,
  { onlyEnd = false } = {},
): Generator<void, boolean> {
  const [one, two] = [openOrdinary(path), openOrdinary(other)];
  try {
    const skipped = fstatSync(one).size - fstatSync(two).size;
    if (skipped < 0 || (skipped > 0 && !onlyEnd)) return false;
    return yield* sameFrom(one, skipped, two);
  } finally {
    closeSync(one);
    closeSync(two);
  }
}

function* sameFrom(one: number, start: number, two: number): Generator<void, boolean> {
  const [left, right] = [Buffer.allocUnsafe(chunkSize), Buffer.allocUnsafe(chunkSize)];
  for (let at = 0; ;) {
    const length = readFully(two, right, at);
    if (readFully(one, left, start + at) !== length) return false;
    if (left.compare(right, 0, length, 0, length) !== 0) return false;
    if (length < chunkSize) return true;
    at += length;
    yield;
  }
}

/** As many bytes as fit, or as are left. */
export function readFully(descriptor: number, buffer: Buffer, position: number): number {
  let length = 0;
  while (length < buffer.length) {
    const read = readSync(descriptor, buffer, length, buffer.length - length, position + length);
    if (read === 0) break;
    length += read;
  }
  return length;
}
