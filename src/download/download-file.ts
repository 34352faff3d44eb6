import { lstatSync } from "node:fs";
import { basename, dirname } from "node:path";
import { Failure } from "../failure.ts";
import { setTraits } from "../files/deliver.ts";
import { fingerprint, readThrough } from "../files/digest.ts";
import { type Ids, resolveOwner } from "../files/owner.ts";
import { withParents } from "../files/parents.ts";
import { publishFile } from "../files/publish.ts";
import { describeSpecial, isReplaceable } from "../files/special.ts";
import { sweep, withStaging } from "../files/staging.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type Context, done, type Log, type Result, unchanged } from "../task.ts";
import type { Digest } from "./checksum.ts";
import { wantedDigests } from "./digest.ts";
import { Digests } from "./digests.ts";
import { findRecord, findVerified, keepRecord } from "./file-record.ts";
import type { Fetched } from "./fetch-source.ts";
import type { Access } from "./http-source.ts";
import { discardParts } from "./leftovers.ts";
import { fetchFirst, withPartsKept } from "./mirrors.ts";
import type { DownloadArguments } from "./options.ts";
import { shownSource } from "./source.ts";
import { type Known, orStillThere } from "./still-there.ts";
import { fileToWrite, type Target } from "./target.ts";
import type { Validators } from "./validators.ts";

/** Downloads to a file. */
export async function downloadFile(
  args: DownloadArguments,
  access: Access,
  { signal, log }: Context,
): Promise<Result> {
  const target = await fileToWrite(args.to, args.urls[0]!, access);
  const { file } = target;
  checkPlace(file);
  const download = { args, access, ...target, ids: resolveOwner(args.owner ?? {}), log };
  await sweep(dirname(file), signal);
  const digests = await wantedDigests(args, file, access);
  log.progress(`checking what is at ${quote(file)}`);
  const there = args.force ? undefined : await readableContentOf(file, digests, args, signal);
  const isKnown = there !== undefined && digests.length > 0;
  const result = isKnown ? keep(download, there) : await fetchTo(download, digests, there);
  await discardParts(dirname(file), purposeOf(file));
  return result;
}

/** Whatever is to be at that place: no other download is, too. */
const purposeOf = (file: string): string[] => [basename(file)];

interface Download extends Target {
  readonly args: DownloadArguments;
  readonly access: Access;
  readonly ids: Ids;
  readonly log: Log;
}

/** What is at the place already, and known to be what it should be, or to have been so. */
interface Content {
  readonly sha256: string;
  readonly bytes: number;
  readonly source: string;
  /** A digest of the URL that it came from, and what its source said of it. */
  readonly url?: string;
  readonly validators?: Validators;
}

/** Only a file, or a link in place of one, is ever replaced. */
function checkPlace(file: string): void {
  const about = lstat(file);
  if (!about || isReplaceable(about)) return;
  const what = about.isDirectory() ? "a folder" : describeSpecial(about);
  throw new Failure("access", `cannot write ${quote(file)}: it is ${what}`, { hint: "name another file" });
}

function lstat(file: string) {
  try {
    return lstatSync(file, { throwIfNoEntry: false });
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(file)}`, error);
  }
}

/** What may not be read is taken for different, for it can be replaced all the same. */
async function readableContentOf(...place: Parameters<typeof contentOf>): Promise<Content | undefined> {
  try {
    return await contentOf(...place);
  } catch (error) {
    if (error instanceof Failure && error.code === "access") return undefined;
    throw error;
  }
}

async function contentOf(
  file: string,
  wanted: readonly Digest[],
  { urls: [url] }: DownloadArguments,
  signal: AbortSignal,
): Promise<Content | undefined> {
  if (wanted.length === 0) return await findRecord(file, signal);
  const verified = findVerified(file, wanted);
  if (verified) return verified;
  if (!lstat(file)?.isFile()) return undefined;
  const digests = new Digests(wanted);
  await readThrough(file, (chunk) => digests.update(chunk), signal);
  const { sha256, bytes } = digests;
  return digests.mismatch() ? undefined : { sha256, bytes, source: shownSource(url!) };
}

/** The content is there; owner and mode may not be. */
function keep({ args, file, ids }: Download, { bytes, sha256, source }: Content): Result {
  const report = { bytes, sha256, source };
  if (setTraits(file, ids, args.mode))
    return done(`${quote(file)} was there; its owner and mode are set`, report);
  return unchanged(`${quote(file)} is there already`, report);
}

async function fetchTo(
  download: Download,
  digests: readonly Digest[],
  there: Content | undefined,
): Promise<Result> {
  const { args, file, access, located } = download;
  const known: Known = {
    there: there && { sha256: there.sha256, comesOutSo: () => true },
    known: (url) => (there?.url === fingerprint(url.href) ? there.validators : undefined),
    located,
  };
  const fetch = (staging: string) => fetchInto(staging, download, digests, there, known);
  return await orStillThere(
    () =>
      withParents(file, () =>
        withStaging(dirname(file), (staging) => withPartsKept(staging, access.signal, () => fetch(staging))),
      ),
    { urls: args.urls, known, access },
    () => keep(download, there!),
  );
}

async function fetchInto(
  staging: string,
  download: Download,
  digests: readonly Digest[],
  there: Content | undefined,
  known: Known,
): Promise<Result> {
  const { args, access, file, ids, log } = download;
  const fetched = await fetchFirst(
    args.urls,
    {
      purpose: purposeOf(file),
      staging,
      isOneFile: true,
      maxSize: args["max-size"],
      digests,
      ...known,
      signal: access.signal,
      tell: (message, share) => log.progress(message, share),
    },
    access,
  );
  if (there && (!fetched || fetched.sha256 === there.sha256)) return keep(download, there);
  const { bytes, sha256, url, files } = fetched!;
  const { path, encoding } = files[0]!;
  if (encoding !== undefined) log.warn(asItCame(url, encoding));
  setTraits(path, ids, args.mode);
  access.signal.throwIfAborted();
  publishFile(path, file);
  remember(download, fetched!, digests, staging);
  return done(`${formatBytes(bytes)} from ${shownSource(url)}`, { bytes, sha256, source: shownSource(url) });
}

const asItCame = (url: URL, encoding: string): string =>
  `${shownSource(url)} came with Content-Encoding: ${encoding}, though it was asked for as it is; the file holds what came`;

/** Without its record the step is done all the same; it only has to ask for everything again the next time. */
function remember(
  { file, log }: Download,
  { url, validators, bytes, sha256 }: Fetched,
  digests: readonly Digest[],
  staging: string,
): void {
  try {
    keepRecord(
      file,
      { source: shownSource(url), url: fingerprint(url.href), validators, bytes, sha256, digests },
      staging,
    );
  } catch (error) {
    const { message } = fileFailure(`cannot write the record of ${quote(file)}`, error);
    log.warn(`${message}; the next run will download again`);
  }
}
