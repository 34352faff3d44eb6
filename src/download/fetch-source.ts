import { tooMuch } from "../archive/faults.ts";
import { Failure } from "../failure.ts";
import { fingerprint } from "../files/digest.ts";
import { partNameOf } from "../files/parts.ts";
import { count, formatBytes } from "../format.ts";
import type { Digest } from "./checksum.ts";
import { type FetchedFile, fetchLocation, type LocationJob } from "./fetch-location.ts";
import { isFurthest } from "./furthest.ts";
import type { Access } from "./http-source.ts";
import { locate } from "./locate.ts";
import type { Location } from "./location.ts";
import { shownSource } from "./source.ts";
import type { Follower, Job } from "./transfer.ts";
import type { Validators } from "./validators.ts";

export interface Wanted extends Omit<Job, "source" | "length" | "isDurable" | "follower" | "goesFurther"> {
  /** What the result is for: the same for a later run, which finds what this one has received by it. */
  readonly purpose: readonly string[];
  /** A private folder to write to. */
  readonly staging: string;
  /** Whether the bytes are to be those of one file. */
  readonly isOneFile: boolean;
  /** The digests that the user asks for. */
  readonly digests: readonly Digest[];
  /** What is there already. */
  readonly there: There | undefined;
  /** Where a source is, if that has been asked for already. */
  readonly located?: ReadonlyMap<URL, readonly Location[]>;
  /** Who wants the bytes of a source that is a single file as they come. */
  follow?(url: URL, location: Location): Follower;
  /** What a source is known to have had, if it is one that was asked before. */
  known(url: URL): Validators | undefined;
}

interface There {
  readonly sha256: string;
  /** Whether the same bytes, located so, would come out the same. */
  comesOutSo(locations: readonly Location[]): boolean;
}

export interface LocatedFile {
  readonly path: string;
  /** See `Opened`. */
  readonly encoding?: string | undefined;
  readonly location: Location;
}

/** What came from where. */
export interface Fetched {
  readonly url: URL;
  readonly validators: Validators;
  /** In order; more than one only where that was allowed. */
  readonly files: readonly LocatedFile[];
  readonly bytes: number;
  /** Of several files, a digest of their digests. */
  readonly sha256: string;
}

/**
 * Fetches all files of a source.
 * @returns undefined where it still has what is there already
 * @throws Failure of the source; `refused` where it has several files and one is asked for; `integrity`; `io`
 */
export async function fetchSource(url: URL, wanted: Wanted, access: Access): Promise<Fetched | undefined> {
  const locations = wanted.located?.get(url) ?? (await locate(url, access));
  if (locations.length > 1) checkSeveral(url, locations, wanted);
  const isSame = wanted.there?.comesOutSo(locations) ?? false;
  if (isSame && announced(locations) === wanted.there!.sha256) return undefined;
  const files: (FetchedFile & LocatedFile)[] = [];
  for (const [index, location] of locations.entries()) {
    const known = isSame && locations.length === 1 ? wanted.known(url) : undefined;
    const follower = locations.length === 1 ? wanted.follow?.(url, location) : undefined;
    const goesFurther = (bytes: number) => isFurthest(access.args, `${index} ${url.href}`, bytes);
    const job = { ...jobFor({ url, location, index, known, wanted }), follower, goesFurther };
    const file = await fetchLocation(location, job, access);
    if (!file) return undefined;
    files.push({ ...file, location });
  }
  return fetched(url, files);
}

function checkSeveral(
  url: URL,
  locations: readonly Location[],
  { isOneFile, digests, maxSize }: Wanted,
): void {
  const what = `${shownSource(url)} consists of ${count(locations.length, "file")}`;
  if (isOneFile)
    throw new Failure("refused", what, { kind: "several", hint: "set extract, to extract all of them" });
  if (digests.length > 0)
    throw new Failure("refused", `${what}, and the digest is that of one`, {
      kind: "several",
      hint: "leave sha256 and checksum out; the source names the digest of each file itself",
    });
  const total = locations.reduce((sum, { length = 0 }) => sum + length, 0);
  if (maxSize !== undefined && total > maxSize)
    throw tooMuch(`${shownSource(url)} (${formatBytes(total)})`, "max-size", maxSize);
}

/** What the sha256 of a source will be, where its locations say so. */
export function announced(locations: readonly Location[]): string | undefined {
  const digests = locations.flatMap(({ digest }) => (digest?.algorithm === "sha256" ? digest.hex : []));
  return digests.length === locations.length ? joint(digests) : undefined;
}

const joint = (digests: readonly string[]): string =>
  digests.length === 1 ? digests[0]! : fingerprint(digests);

interface OneOf {
  readonly url: URL;
  readonly location: Location;
  readonly index: number;
  readonly known: Validators | undefined;
  readonly wanted: Wanted;
}

const jobFor = ({ url, location, index, known, wanted }: OneOf): Omit<LocationJob, "goesFurther"> => ({
  url,
  known,
  source: shownSource(url),
  staging: wanted.staging,
  partName: partNameOf(wanted.purpose, index),
  digests: [wanted.digests, location.digest ?? []].flat(),
  length: location.length,
  maxSize: wanted.maxSize,
  signal: wanted.signal,
  isDurable: wanted.isOneFile,
  tell: wanted.tell,
});

const fetched = (url: URL, files: readonly (FetchedFile & LocatedFile)[]): Fetched => ({
  url,
  validators: files[0]!.validators,
  files,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
  sha256: joint(files.map(({ sha256 }) => sha256)),
});
