import { closeSync, fstatSync } from "node:fs";
import { openOrdinary } from "./ordinary-file.ts";
import { readFully } from "./same-content.ts";

/**
 * Whether a file is exactly these bytes, from a place in it. All of them are taken, whatever the answer.
 * @throws the error of the system call that failed
 */
export function holdsContent(path: string, content: Iterable<Buffer>, start = 0): boolean {
  const descriptor = openOrdinary(path);
  try {
    let [at, isSame, room] = [start, true, Buffer.alloc(0)];
    for (const wanted of content) {
      if (room.length < wanted.length) room = Buffer.allocUnsafe(wanted.length);
      const found = room.subarray(0, wanted.length);
      isSame &&= readFully(descriptor, found, at) === wanted.length && found.equals(wanted);
      at += wanted.length;
    }
    return isSame && fstatSync(descriptor).size === at;
  } finally {
    closeSync(descriptor);
  }
}
