import { constants } from "node:buffer";
import { closeSync, fstatSync, readFileSync, type Stats } from "node:fs";
import { Failure } from "../failure.ts";
import { openOrdinary } from "../files/ordinary-file.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

/**
 * The bytes of an ordinary file, or of one that a link leads to.
 * @throws Failure `access` where there is none, or a larger one than a text can be; `io` where it cannot be read
 */
export function readBytes(path: string): Buffer {
  try {
    const descriptor = openOrdinary(path);
    try {
      refuseUnusable(path, fstatSync(descriptor));
      return readFileSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}

function refuseUnusable(path: string, stats: Stats): void {
  if (stats.isDirectory()) {
    throw new Failure("access", `cannot read ${quote(path)}: it is a folder`, {
      hint: "put a file there, or a link to one; a folder of that name may come from a subPath mount of a key that is not there",
    });
  }
  if (stats.size <= constants.MAX_STRING_LENGTH) return;
  throw new Failure("access", `cannot read ${quote(path)}: it has ${formatBytes(stats.size)}`, {
    hint: "split it into several migrations of less than 512 MiB",
  });
}
