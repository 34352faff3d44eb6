import { basename, dirname, resolve } from "node:path";
import { entriesOf, extractTo } from "../archive/extract.ts";
import { prepareFolder, withStagingFor } from "../files/destination.ts";
import type { Format } from "../archive/format.ts";
import { reportOf } from "../archive/extract-file.ts";
import { type ExtractRecord, Records } from "../archive/record.ts";
import type { Archive } from "../archive/unpack.ts";
import { fingerprint } from "../files/digest.ts";
import { resolveOwner } from "../files/owner.ts";
import { formatBytes, quote } from "../format.ts";
import { type Context, done, type Result, unchanged } from "../task.ts";
import type { Digest } from "./checksum.ts";
import { wantedDigests } from "./digest.ts";
import type { Fetched } from "./fetch-source.ts";
import type { Access } from "./http-source.ts";
import { discardParts } from "./leftovers.ts";
import { fetchFirst, withPartsKept } from "./mirrors.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn, shownSource } from "./source.ts";
import type { Validators } from "./validators.ts";

/** Downloads an archive and extracts it, once all of it is there and found right. */
export async function downloadArchive(
  args: DownloadArguments,
  format: Format | "auto",
  access: Access,
  context: Context,
): Promise<Result> {
  const { signal } = context;
  const destination = resolve(args.to);
  resolveOwner(args.owner ?? {});
  await prepareFolder(destination, signal);
  const digests = await wantedDigests(args, destination, access);
  const source = digests.length > 0 ? digests : args.urls.map(shownSource);
  const records = new Records(destination, [format, source], args);
  const record = args.force ? undefined : records.find();
  const download = { args, format, access, context, destination, digests, records, record };
  const result =
    record && digests.length > 0
      ? upToDate(record, destination)
      : await withStagingFor(destination, (staging) =>
          withPartsKept(staging, signal, () => fetchAndExtract(staging, download)),
        );
  for (const folder of [destination, dirname(destination)]) await discardParts(folder, purposeOf(download));
  return result;
}

interface Download {
  readonly args: DownloadArguments;
  readonly format: Format | "auto";
  readonly access: Access;
  readonly context: Context;
  readonly destination: string;
  readonly digests: readonly Digest[];
  readonly records: Records;
  readonly record: ExtractRecord | undefined;
}

/** Other steps may extract into the same folder. A signature in a URL does not last. */
const purposeOf = ({ args, destination }: Download): string[] => [
  basename(destination),
  shownSource(args.urls[0]!),
];

async function fetchAndExtract(staging: string, download: Download): Promise<Result> {
  const { args, access, destination, records, record } = download;
  const { signal, log } = download.context;
  const fetched = await fetchFirst(args.urls, wantedOf(staging, download), access);
  if (record && (!fetched || fetched.sha256 === record.sha256)) return upToDate(record, destination);
  const [archives, known] = [archivesOf(fetched!, download), knownOf(fetched!)];
  const tree = await extractTo({ archives, destination, staging, args, records, known }, signal, log);
  return done(
    `${entriesOf(tree)}, ${formatBytes(tree.bytes)}, from ${known.source}`,
    reportOf({ ...known, tree }),
  );
}

const wantedOf = (staging: string, download: Download) => ({
  purpose: purposeOf(download),
  staging,
  isOneFile: false,
  maxSize: download.args["max-size"],
  digests: download.digests,
  there: download.record?.sha256,
  signal: download.context.signal,
  known: (url: URL) => validatorsOf(download.record, url),
  tell: (message: string, share?: number) => download.context.log.progress(message, share),
});

function archivesOf({ url, files }: Fetched, { args, format }: Download): Archive[] {
  const name = nameIn(args.urls[0]!) ?? "download";
  return files.map(({ path, location: { title, isLayer } }) => ({
    path,
    label: shownSource(url),
    name,
    format,
    title,
    isLayer,
  }));
}

const upToDate = (record: ExtractRecord, destination: string): Result =>
  unchanged(`everything is in ${quote(destination)} already`, reportOf(record));

function knownOf({ url, sha256, validators: { etag, lastModified } }: Fetched): Omit<ExtractRecord, "tree"> {
  const validator = {
    url: fingerprint(url.href),
    ...(etag && { etag }),
    ...(lastModified && { lastModified }),
  };
  return { sha256, source: shownSource(url), validator };
}

function validatorsOf(record: ExtractRecord | undefined, url: URL): Validators | undefined {
  if (!record || record.validator["url"] !== fingerprint(url.href)) return undefined;
  const { etag, lastModified } = record.validator as Validators;
  return { etag, lastModified };
}
