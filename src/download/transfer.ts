import type { FileHandle } from "node:fs/promises";
import { dirname } from "node:path";
import { tooMuch } from "../archive/faults.ts";
import { freeOn } from "../files/disk.ts";
import { formatBytes } from "../format.ts";
import { Batches } from "./batches.ts";
import type { Digests } from "./digests.ts";
import type { Opened } from "./http-source.ts";
import { Pace } from "./pace.ts";
import type { Part } from "./part.ts";
import {
  cannotWrite,
  interrupted,
  otherDigest,
  otherLength,
  tooLong,
  tooShort,
  tooSmall,
} from "./transfer-faults.ts";

export interface Job {
  /** The source, for messages. */
  readonly source: string;
  readonly maxSize: number | undefined;
  /** How many bytes there must be, where that is known before. */
  readonly length: number | undefined;
  readonly signal: AbortSignal;
  /** Who wants the bytes as they come, before they have been found right. */
  readonly follower?: Follower | undefined;
  /** Whether the bytes are to outlive a power failure. */
  readonly isDurable: boolean;
  tell(message: string, share?: number): void;
  /** Whether no attempt has had so many bytes before: that is progress, so the retries start anew. */
  goesFurther(bytes: number): boolean;
}

export interface Follower {
  /**
   * Bytes will be appended to a file that has some already; what was told of others before is no use any more.
   * @param hasDigest a digest will tell in the end whether they were the right ones
   */
  begin(path: string, bytes: number, hasDigest: boolean): Promise<void>;
  grew(bytes: number): void;
}

export interface Received {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Appends what comes from a source to a part, until all of it is there and right.
 * @param digests of what is in the part already
 * @throws Failure `source-unavailable` where not all bytes come, `integrity` where they are not the right ones, `io`
 * where the volume is full
 */
export async function transfer(opened: Opened, part: Part, digests: Digests, job: Job): Promise<Received> {
  const length = opened.length ?? job.length;
  if (length !== undefined) checkLength(length, part, digests.bytes, job);
  await using file = await part.open();
  await job.follower?.begin(part.path, digests.bytes, digests.areWanted);
  await receive(opened, { ...job, length, file, part, digests });
  if (job.isDurable) await keep(file, part);
  checkDigests(digests, part, job, opened.encoding);
  return { path: part.path, bytes: digests.bytes, sha256: digests.sha256 };
}

async function keep(file: FileHandle, part: Part): Promise<void> {
  try {
    await file.sync();
  } catch (error) {
    throw cannotWrite(error, part.path);
  }
}

/** The whole length is known before the first byte, so a volume that is too small need not be filled first. */
function checkLength(length: number, part: Part, there: number, job: Job): void {
  const { source, maxSize } = job;
  if (job.length !== undefined && length !== job.length) throw otherLength(source, length, job.length);
  if (maxSize !== undefined && length > maxSize)
    throw tooMuch(`${source} (${formatBytes(length)})`, "max-size", maxSize);
  const free = freeOn(dirname(part.path));
  const missing = length - there;
  if (free !== undefined && free.bytes < missing) throw tooSmall(source, missing, free.text);
}

interface Receiving extends Job {
  readonly file: FileHandle;
  readonly part: Part;
  readonly digests: Digests;
}

/** While one batch is written by a thread of its own, the next one comes and is digested. */
async function receive(opened: Opened, receiving: Receiving): Promise<void> {
  const { digests, length, source } = receiving;
  const there = digests.bytes;
  const pace = new Pace(there, length);
  const batches = new Batches(writer(opened, receiving));
  try {
    for await (const chunk of opened.body as AsyncIterable<Buffer>) {
      if (digests.bytes === there) receiving.part.describe(opened);
      checkMore(digests.bytes + chunk.length, receiving);
      const room = batches.add(chunk);
      digests.update(chunk);
      receiving.tell(`${pace.at(digests.bytes)} from ${source}`, pace.shareAt(digests.bytes));
      await room;
    }
  } catch (error) {
    throw interrupted(error, hasProgressed(there, receiving), receiving);
  } finally {
    await batches.finish();
  }
  if (digests.bytes !== (length ?? digests.bytes))
    throw tooShort(source, digests.bytes, length!, hasProgressed(there, receiving));
}

const hasProgressed = (there: number, receiving: Receiving): boolean =>
  receiving.digests.bytes > there && receiving.goesFurther(receiving.digests.bytes);

function checkMore(bytes: number, { length, maxSize, source }: Receiving): void {
  if (maxSize !== undefined && bytes > maxSize) throw tooMuch(source, "max-size", maxSize);
  if (length !== undefined && bytes > length) throw tooLong(source, length);
}

/** Appends to the part. Where that fails, whoever waits for the source is told at once. */
function writer({ body }: Opened, { file, part, digests, follower }: Receiving) {
  let written = digests.bytes;
  return async (batch: readonly Buffer[]): Promise<void> => {
    try {
      for (let left = batch; left.length > 0;) {
        const { bytesWritten } = await file.writev(left);
        left = without(bytesWritten, left);
        follower?.grew((written += bytesWritten));
      }
    } catch (error) {
      const failure = cannotWrite(error, part.path);
      body.destroy(failure);
      throw failure;
    }
  };
}

/** What is left of buffers without so many bytes at their beginning. */
function without(bytes: number, buffers: readonly Buffer[]): Buffer[] {
  let gone = bytes;
  return buffers.flatMap((buffer) => {
    const rest = buffer.subarray(gone);
    gone = Math.max(0, gone - buffer.length);
    return rest.length > 0 ? rest : [];
  });
}

function checkDigests(digests: Digests, part: Part, { source }: Job, encoding: string | undefined): void {
  const mismatch = digests.mismatch();
  if (!mismatch) return;
  part.reset();
  throw otherDigest(source, mismatch, encoding);
}
