import { resolve } from "node:path";
import { entriesOf, extractTo, prepareFolder, withStagingFor } from "../archive/extract.ts";
import type { Format } from "../archive/format.ts";
import { reportOf } from "../archive/extract-file.ts";
import { type ExtractRecord, Records } from "../archive/record.ts";
import { fingerprint } from "../files/digest.ts";
import { resolveOwner } from "../files/owner.ts";
import { formatBytes, quote } from "../format.ts";
import { type Context, done, type Result, unchanged } from "../task.ts";
import { wantedDigest } from "./digest.ts";
import type { Access, Validators } from "./http-source.ts";
import { type Fetched, fetchFirst } from "./mirrors.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn, shownSource } from "./source.ts";

/** Downloads an archive and extracts it, once all of it is there and found right. */
export async function downloadArchive(
  args: DownloadArguments,
  format: Format | "auto",
  access: Access,
  { signal, log }: Context,
): Promise<Result> {
  const destination = resolve(args.to);
  resolveOwner(args.owner ?? {});
  await prepareFolder(destination, signal);
  const digest = await wantedDigest(args, destination, access);
  const records = new Records(destination, [format, digest ?? args.urls.map(shownSource)], args);
  const record = args.force ? undefined : records.find();
  if (record && digest) return upToDate(record, destination);

  return await withStagingFor(destination, async (staging) => {
    const fetched = await fetchFirst(
      {
        urls: args.urls,
        staging,
        maxSize: args["max-size"],
        digest,
        signal,
        known: (url) => validatorsOf(record, url),
        tell: (message) => log.progress(message),
      },
      access,
    );
    if (record && (!fetched || fetched.sha256 === record.sha256)) return upToDate(record, destination);
    const known = knownOf(fetched!);
    const name = nameIn(args.urls[0]!) ?? "download";
    const archive = { path: fetched!.path, label: known.source, name, format };
    const tree = await extractTo({ archive, destination, staging, args, records, known }, signal, log);
    return done(
      `${entriesOf(tree)}, ${formatBytes(tree.bytes)}, from ${known.source}`,
      reportOf({ ...known, tree }),
    );
  });
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
