import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { Failure } from "../failure.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

/** A larger file is data, and would keep the step from hearing a signal for long. */
const maxBytes = 64 * 1024 * 1024;
const chunkSize = 64 * 1024;

/**
 * The content of a template. A chunk is good until the next one is asked for.
 * @throws Failure `access` where it is no file that can be read, or larger than 64 MiB; `io`
 */
export function* contentOf(path: string): Generator<Buffer> {
  const descriptor = attempt(path, () => openSync(path, constants.O_RDONLY | constants.O_NONBLOCK));
  try {
    checkFile(path, fstatSync(descriptor));
    const buffer = Buffer.allocUnsafe(chunkSize);
    const read = () => attempt(path, () => readSync(descriptor, buffer));
    for (let length = read(); length > 0; length = read()) yield buffer.subarray(0, length);
  } finally {
    closeSync(descriptor);
  }
}

function checkFile(path: string, stats: Stats): void {
  if (!stats.isFile()) {
    throw new Failure("access", `cannot render ${quote(path)}: it is no ordinary file`, {
      hint: "name a file, or a folder with nothing but files in it",
    });
  }
  if (stats.size <= maxBytes) return;
  throw new Failure("access", `cannot render ${quote(path)}: it has ${formatBytes(stats.size)}`, {
    hint: `a template has at most ${formatBytes(maxBytes)}; keep data out of the folder of templates`,
  });
}

function attempt<T>(path: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}
