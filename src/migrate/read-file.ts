import { constants } from "node:buffer";
import { closeSync, constants as flags, fstatSync, openSync, readFileSync, type Stats } from "node:fs";
import { Failure } from "../failure.ts";
import { formatBytes, quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";

/**
 * The bytes of an ordinary file, or of one that a link leads to.
 * @throws Failure `access` where there is none, or a larger one than a text can be; `io` where it cannot be read
 */
export function readBytes(path: string): Buffer {
  try {
    // A named pipe without a writer would block (open(2)).
    const descriptor = openSync(path, flags.O_RDONLY | flags.O_NONBLOCK);
    try {
      refuseUnusable(path, fstatSync(descriptor));
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw isSocket(error) ? notOrdinary(path) : fileFailure(`cannot read ${quote(path)}`, error);
  }
}

function refuseUnusable(path: string, stats: Stats): void {
  if (!stats.isFile()) throw notOrdinary(path);
  if (stats.size <= constants.MAX_STRING_LENGTH) return;
  throw new Failure("access", `cannot read ${quote(path)}: it has ${formatBytes(stats.size)}`, {
    hint: "split it into several migrations of less than 512 MiB",
  });
}

/** A socket, and a device that is not there, cannot be opened at all. */
const isSocket = (error: unknown): boolean => errnoOf(error) === "ENXIO";

const notOrdinary = (path: string): Failure =>
  new Failure("access", `cannot read ${quote(path)}: it is no ordinary file`, {
    hint: "put a file there, or a link to one; a folder of that name may come from a subPath mount of a key that is not there",
  });
