import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";
import { quote } from "./format.ts";
import { errnoOf, whenReady } from "./system-errors.ts";

/** The most that a document or a file with a value may hold: what a ConfigMap or a Secret can. */
const maxBytes = 1024 * 1024;

/**
 * The text of a small regular file that a value names.
 * @throws Error that completes the sentence "VALUE …": `needs the file "/x", which is not there`
 */
export function readSmallFile(path: string): string {
  return reading(`needs the file ${quote(path)}, which`, () => {
    using file = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (!fstatSync(file.descriptor).isFile()) throw new Error("is not a regular file");
    return readAll(file.descriptor);
  });
}

/**
 * The text of a document: a file, a pipe, or `-` for standard input.
 * @throws Error that completes the sentence "FILE …"
 */
export function readDocument(path: string): string {
  return reading("", () => {
    if (path === "-") return readAll(0);
    using file = open(path, constants.O_RDONLY);
    return readAll(file.descriptor);
  });
}

function open(path: string, flags: number): Disposable & { descriptor: number } {
  const descriptor = openSync(path, flags);
  return { descriptor, [Symbol.dispose]: () => closeSync(descriptor) };
}

function readAll(descriptor: number): string {
  const bytes = Buffer.alloc(maxBytes + 1);
  let length = 0;
  for (let got = -1; got !== 0 && length < bytes.length; length += got) {
    got = whenReady(() => readSync(descriptor, bytes, length, bytes.length - length, null));
  }
  if (length > maxBytes) throw new Error("is larger than 1 MiB");
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch {
    throw new Error("is not UTF-8 text");
  }
}

const reasons: Record<string, string> = {
  ENOENT: "is not there",
  EACCES: "cannot be read: permission denied",
  EISDIR: "is a directory",
};

function reading(prefix: string, read: () => string): string {
  try {
    return read();
  } catch (error) {
    const errno = errnoOf(error);
    const reason = errno ? (reasons[errno] ?? `cannot be read: ${errno}`) : (error as Error).message;
    throw new Error(`${prefix} ${reason}`.trim(), { cause: error });
  }
}
