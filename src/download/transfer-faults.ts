import { dirname } from "node:path";
import { Failure } from "../failure.ts";
import { diskFailure } from "../files/disk.ts";
import { formatBytes } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import type { Mismatch } from "./digests.ts";

/**
 * What it means that the bytes of a source stopped coming.
 * @param progressed some had come before
 */
export function interrupted(
  error: unknown,
  progressed: boolean,
  { signal, source }: { readonly signal: AbortSignal; readonly source: string },
): unknown {
  if (signal.aborted) return signal.reason;
  const failure = fileFailure(`cannot read ${source}`, error);
  if (failure.code !== "source-unavailable" || !progressed) return failure;
  return new Failure(failure.code, failure.message, { ...failure.options, progressed: true });
}

export const cannotWrite = (error: unknown, path: string): Failure =>
  diskFailure("cannot write the download", error, dirname(path));

export const tooSmall = (source: string, missing: number, free: string): Failure =>
  new Failure("io", `no space left on the volume: ${source} needs ${formatBytes(missing)}, ${free}`, {
    kind: "ENOSPC",
    hint: "enlarge the volume or free space",
  });

export const otherLength = (source: string, length: number, wanted: number): Failure =>
  new Failure("integrity", `${source} has ${formatBytes(length)}, not ${formatBytes(wanted)}`, {
    kind: "length",
    hint: "what the server sends is not what was published: look at the server, and at caches in between",
  });

export const tooLong = (source: string, length: number): Failure =>
  new Failure(
    "source-unavailable",
    `${source}: more than ${formatBytes(length)} came, which were announced`,
    {
      kind: "length",
      hint: "the server contradicts itself: look at it, and at proxies in between",
    },
  );

export const tooShort = (source: string, bytes: number, length: number, progressed: boolean): Failure =>
  new Failure("source-unavailable", `${source}: ${formatBytes(bytes)} came of ${formatBytes(length)}`, {
    kind: "length",
    progressed,
    hint: "the connection or the server broke off: look at its log, and at proxies in between",
  });

/** @param encoding how the server has encoded the bytes although it was asked not to */
export const otherDigest = (
  source: string,
  { wanted, found }: Mismatch,
  encoding: string | undefined,
): Failure =>
  new Failure("integrity", `${source}: its ${wanted.algorithm} is ${found}, not ${wanted.hex}`, {
    kind: "checksum",
    hint: encoding === undefined ? changedHint : encodedHint(encoding),
  });

const encodedHint = (encoding: string): string =>
  `the server has sent it with Content-Encoding: ${encoding}, and the digest may be that of the file before that: have the server leave it as it is, or give the digest of what it sends`;

const changedHint =
  "the file was changed at its source, or the digest is that of another version: compare both with the publisher's";
