import { createHash } from "node:crypto";
import { writeSync } from "node:fs";
import { open } from "node:fs/promises";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { tooMuch } from "../archive/faults.ts";
import { Failure } from "../failure.ts";
import { diskFailure, freeOn } from "../files/disk.ts";
import { formatBytes } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import type { Digest } from "./checksum.ts";
import type { Opened } from "./http-source.ts";

export interface Job {
  /** The source, for messages. */
  readonly source: string;
  /** Where to write: a name in a private folder that is not taken. */
  readonly path: string;
  readonly maxSize: number | undefined;
  readonly digest: Digest | undefined;
  readonly signal: AbortSignal;
  tell(message: string): void;
}

export interface Received {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Writes all bytes of a source to a new file and makes them durable.
 * @throws Failure `source-unavailable` where they do not all come, `integrity` where they are not the right ones,
 * `io` where the volume is full
 */
export async function transfer({ body, length }: Opened, job: Job): Promise<Received> {
  if (length !== undefined) checkLength(length, job);
  const file = await open(job.path, "wx").catch((error: unknown) => cannotWrite(error, job));
  try {
    const received = await receive(body, length, file.fd, job);
    await file.sync().catch((error: unknown) => cannotWrite(error, job));
    return received;
  } finally {
    await file.close();
  }
}

function cannotWrite(error: unknown, { path }: Job): never {
  throw diskFailure("cannot write the download", error, dirname(path));
}

/** The whole length is known before the first byte, so a volume that is too small need not be filled first. */
function checkLength(length: number, { source, path, maxSize }: Job): void {
  if (maxSize !== undefined && length > maxSize)
    throw tooMuch(`${source} (${formatBytes(length)})`, "max-size", maxSize);
  const free = freeOn(dirname(path));
  if (free === undefined || free.bytes >= length) return;
  throw new Failure(
    "io",
    `no space left on the volume: ${source} needs ${formatBytes(length)}, ${free.text}`,
    {
      kind: "ENOSPC",
      hint: "enlarge the volume or free space",
    },
  );
}

async function receive(
  body: Readable,
  length: number | undefined,
  descriptor: number,
  job: Job,
): Promise<Received> {
  const sha256 = createHash("sha256");
  const wanted =
    job.digest && (job.digest.algorithm === "sha256" ? sha256 : createHash(job.digest.algorithm));
  const hashes = new Set(wanted ? [sha256, wanted] : [sha256]);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (job.maxSize !== undefined && bytes > job.maxSize)
        throw tooMuch(job.source, "max-size", job.maxSize);
      for (const hash of hashes) hash.update(chunk);
      write(descriptor, chunk, job);
      job.tell(
        `${formatBytes(bytes)}${length === undefined ? "" : ` of ${formatBytes(length)}`} from ${job.source}`,
      );
    }
  } catch (error) {
    throw interrupted(error, bytes, job);
  }
  if (length !== undefined && bytes !== length) throw wrongLength(bytes, length, job);
  const digests = { sha256: sha256.copy().digest("hex"), wanted: wanted?.digest("hex") };
  if (digests.wanted !== job.digest?.hex) throw wrongDigest(digests.wanted!, job);
  return { bytes, sha256: digests.sha256 };
}

function write(descriptor: number, chunk: Buffer, job: Job): void {
  try {
    for (let at = 0; at < chunk.length;) at += writeSync(descriptor, chunk, at);
  } catch (error) {
    cannotWrite(error, job);
  }
}

/**
 * What it means that the bytes of a source stopped coming.
 * @param bytes that came before: they were progress, so the retries start anew
 */
export function interrupted(
  error: unknown,
  bytes: number,
  { signal, source }: Pick<Job, "signal" | "source">,
): unknown {
  if (signal.aborted) return signal.reason;
  const failure = fileFailure(`cannot read ${source}`, error);
  if (failure.code !== "source-unavailable" || bytes === 0) return failure;
  return new Failure(failure.code, failure.message, { ...failure.options, progressed: true });
}

function wrongLength(bytes: number, length: number, { source }: Job): Failure {
  return new Failure(
    "source-unavailable",
    `${source}: ${formatBytes(bytes)} came of ${formatBytes(length)}`,
    {
      kind: "length",
      progressed: bytes > 0,
      hint: "the connection or the server broke off: look at its log, and at proxies in between",
    },
  );
}

function wrongDigest(found: string, { source, digest }: Job): Failure {
  const { algorithm, hex } = digest!;
  return new Failure("integrity", `${source}: its ${algorithm} is ${found}, not ${hex}`, {
    kind: "checksum",
    hint: "the file was changed at its source, or the digest is that of another version: compare both with the publisher's",
  });
}
