import { basename, dirname, join, resolve } from "node:path";
import { entriesOf, publish, stage } from "../archive/extract.ts";
import { prepareFolder, withStagingFor } from "../files/destination.ts";
import type { Format } from "../archive/format.ts";
import { reportOf } from "../archive/extract-file.ts";
import { type ExtractRecord, Records } from "../archive/record.ts";
import type { Tree } from "../archive/tree.ts";
import { isUnderstoodSo } from "../archive/understanding.ts";
import type { Archive } from "../archive/unpack.ts";
import { fingerprint } from "../files/digest.ts";
import { resolveOwner } from "../files/owner.ts";
import { formatBytes, quote } from "../format.ts";
import { type Context, done, type Result, unchanged } from "../task.ts";
import type { Digest } from "./checksum.ts";
import { wantedDigests } from "./digest.ts";
import { EarlyExtraction } from "./early-extraction.ts";
import type { Fetched, LocatedFile, Wanted } from "./fetch-source.ts";
import type { Access } from "./http-source.ts";
import { discardParts } from "./leftovers.ts";
import type { Location } from "./location.ts";
import { fetchFirst, withPartsKept } from "./mirrors.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn, shownSource } from "./source.ts";
import { type Known, orStillThere } from "./still-there.ts";
import type { Validators } from "./validators.ts";

/** Downloads an archive and extracts it meanwhile; it comes to its place once all of it is there and found right. */
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
    record && digests.length > 0 && isKnownOffline(record, args)
      ? upToDate(record, destination)
      : await orStillThere(
          () =>
            withStagingFor(destination, (staging) =>
              withPartsKept(staging, signal, () => fetchAndExtract(staging, download)),
            ),
          { urls: args.urls, known: knownBefore(download), access },
          () => upToDate(record!, destination),
        );
  for (const folder of [destination, dirname(destination)]) await discardParts(folder, purposeOf(download));
  return result;
}

/** A registry may have given a file another name, and has to be asked for that. */
const isKnownOffline = ({ understood = [] }: ExtractRecord, args: DownloadArguments): boolean =>
  args.urls[0]!.protocol === "oci:"
    ? understood.every(({ name }) => name === null)
    : understood.every(({ name }) => name === null || name === nameFor({}, args));

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
  let isFetched = false;
  const stageAll = (archives: readonly Archive[], root: string, until: AbortSignal): Promise<Tree> =>
    stage(archives, root, { destination, args }, AbortSignal.any([signal, until]), (message) => {
      if (isFetched) log.progress(message);
    });
  await using early = new EarlyExtraction(staging, (archive, root, until) =>
    stageAll([archive], root, until),
  );
  const until = AbortSignal.any([signal, early.hopeless]);
  const wanted = wantedOf(staging, early, download, until);
  const fetched = await fetchFirst(args.urls, wanted, { ...access, signal: until });
  if (record && (!fetched || isSame(fetched, record, args))) return upToDate(record, destination);
  isFetched = true;
  const archives = archivesOf(fetched!, download);
  const staged = (await early.finish()) ?? (await stageAll(archives, join(staging, "tree"), signal));
  const known = { ...knownOf(fetched!), understood: staged.understood };
  const tree = await publish(staged, { destination, staging, args, records, known }, log);
  return done(
    `${entriesOf(tree)}, ${formatBytes(tree.bytes)}, from ${known.source}`,
    reportOf({ ...known, tree }),
  );
}

const isSame = ({ sha256, files }: Fetched, record: ExtractRecord, args: DownloadArguments): boolean =>
  sha256 === record.sha256 && comesOutSo(record, locationsOf(files), args);

const locationsOf = (files: readonly LocatedFile[]): Location[] => files.map(({ location }) => location);

const comesOutSo = (
  { understood }: ExtractRecord,
  locations: readonly Location[],
  args: DownloadArguments,
): boolean =>
  isUnderstoodSo(
    understood,
    locations.map((location) => ({ name: nameFor(location, args), isLayer: location.isLayer ?? false })),
  );

/** The name that the source gives to a file. */
const nameFor = ({ title }: Pick<Location, "title">, { urls }: DownloadArguments): string =>
  title ?? nameIn(urls[0]!) ?? "download";

const wantedOf = (
  staging: string,
  early: EarlyExtraction,
  download: Download,
  signal: AbortSignal,
): Wanted => ({
  purpose: purposeOf(download),
  staging,
  isOneFile: false,
  maxSize: download.args["max-size"],
  digests: download.digests,
  ...knownBefore(download),
  signal,
  follow: (url, location) => ({
    begin: (path, bytes, hasDigest) =>
      early.begin(archiveOf({ path, location }, url, download), bytes, hasDigest),
    grew: (bytes) => early.grew(bytes),
  }),
  tell: (message, share) => download.context.log.progress(message, share),
});

const knownBefore = ({ record, args }: Download): Known => ({
  there: record && {
    sha256: record.sha256,
    comesOutSo: (locations) => comesOutSo(record, locations, args),
  },
  known: (url) => validatorsOf(record, url),
});

const archivesOf = ({ url, files }: Fetched, download: Download): Archive[] =>
  files.map((file) => archiveOf(file, url, download));

function archiveOf({ path, location }: LocatedFile, url: URL, { args, format }: Download): Archive {
  const { title, isLayer } = location;
  const name = nameFor({}, args);
  return { path, label: shownSource(url), name, format, title, isLayer };
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
