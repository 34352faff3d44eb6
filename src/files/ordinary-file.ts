import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";

/**
 * Opens a file to read it. One that waited for somebody to write to a named pipe (open(2)), or read a device without
 * end, would hear neither a timeout nor a signal.
 * @throws Failure `access` for a named pipe, a socket or a device; the error of the system call that failed
 */
export function openOrdinary(path: string): number {
  const descriptor = open(path);
  const about = fstatSync(descriptor);
  // Who reads a folder gets an error that says so.
  if (about.isFile() || about.isDirectory()) return descriptor;
  closeSync(descriptor);
  throw notOrdinary(path);
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    // Of a socket, and of a device that is not there.
    throw errnoOf(error) === "ENXIO" ? notOrdinary(path) : error;
  }
}

const notOrdinary = (path: string): Failure =>
  new Failure("access", `cannot read ${quote(path)}: it is no ordinary file`, {
    hint: "name a file: named pipes, sockets and devices are not read",
  });

/** All that is in a file. @throws as `openOrdinary` does */
export function readOrdinary(path: string): Buffer {
  const descriptor = openOrdinary(path);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
