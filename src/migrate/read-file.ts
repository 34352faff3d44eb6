import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf, fileFailure } from "../system-errors.ts";

/**
 * The bytes of an ordinary file, or of one that a link leads to.
 * @throws Failure `access` where there is none, `io` where it cannot be read
 */
export function readBytes(path: string): Buffer {
  try {
    // A named pipe without a writer would block (open(2)).
    const descriptor = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      if (!fstatSync(descriptor).isFile()) throw notOrdinary(path);
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw isSocket(error) ? notOrdinary(path) : fileFailure(`cannot read ${quote(path)}`, error);
  }
}

/** A socket, and a device that is not there, cannot be opened at all. */
const isSocket = (error: unknown): boolean => errnoOf(error) === "ENXIO";

const notOrdinary = (path: string): Failure =>
  new Failure("access", `cannot read ${quote(path)}: it is no ordinary file`, {
    hint: "put a file there, or a link to one; a folder of that name may come from a subPath mount of a key that is not there",
  });
