import { Readable } from "node:stream";
import { Failure } from "../failure.ts";
import { Digests } from "./digests.ts";
import { openFile } from "./file-source.ts";
import { type Access, openHttp, type Opened, type Question } from "./http-source.ts";
import type { Location } from "./location.ts";
import { type Found, type Origin, Part } from "./part.ts";
import { type Job, type Received, transfer } from "./transfer.ts";
import type { Validators } from "./validators.ts";

export interface LocationJob extends Job, Origin {
  /** A private folder to write to. */
  readonly staging: string;
  /** Of the part in it. */
  readonly partName: string;
  /** What the location is known to have had, if it was asked before. */
  readonly known: Validators | undefined;
}

export interface FetchedFile extends Received {
  readonly validators: Validators;
  readonly encoding?: string | undefined;
}

/**
 * Fetches the bytes of one location; only the rest of them where an earlier try has left a part.
 * @returns undefined where the location still has what it is known to have had
 * @throws Failure of the source, or as `transfer` does
 */
export async function fetchLocation(
  location: Location,
  job: LocationJob,
  access: Access,
): Promise<FetchedFile | undefined> {
  const part = new Part(job.staging, job.partName, job);
  job.tell(`reading what has come of ${job.source} before`);
  const found = await part.find(job.signal);
  if (found && isComplete(found, job)) return await carryOn(nothingMore(found), part, found, job);
  const opened = await open(location, access, { known: job.known, beginning: found });
  if (!opened) return undefined;
  if (!found || opened.from === 0) return await begin(opened, part, job);
  return (await carryOn(opened, part, found, job)) ?? (await again(location, part, job, access));
}

/** By its digest, so nobody need be asked. */
const isComplete = ({ digests, bytes, length }: Found, job: LocationJob): boolean =>
  job.digests.length > 0 && bytes === length && digests.mismatch() === undefined;

const nothingMore = ({ bytes, length }: Found): Opened => ({
  body: Readable.from([]),
  from: bytes,
  length,
  validators: {},
  ifRange: undefined,
  [Symbol.dispose]() {},
});

/** @returns undefined where the location still has what it is known to have had */
export async function open(
  location: Location,
  access: Access,
  question: Question,
): Promise<Opened | undefined> {
  return location.url.protocol === "file:"
    ? openFile(location.url, question.known)
    : await openHttp(location, access, question);
}

async function begin(opened: Opened, part: Part, job: LocationJob): Promise<FetchedFile> {
  using _ = opened;
  part.reset();
  const received = await transfer(opened, part, new Digests(job.digests), job);
  return { ...received, validators: opened.validators, encoding: opened.encoding };
}

/** Undefined where the digest tells in the end that the part was of something else. */
async function carryOn(
  opened: Opened,
  part: Part,
  { digests }: Found,
  job: LocationJob,
): Promise<FetchedFile | undefined> {
  using _ = opened;
  try {
    const received = await transfer(opened, part, digests, job);
    return { ...received, validators: opened.validators, encoding: opened.encoding };
  } catch (error) {
    if (error instanceof Failure && error.kind === "checksum") return undefined;
    throw error;
  }
}

async function again(
  location: Location,
  part: Part,
  job: LocationJob,
  access: Access,
): Promise<FetchedFile | undefined> {
  const opened = await open(location, access, { known: job.known });
  return opened && (await begin(opened, part, job));
}
