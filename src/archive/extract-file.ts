import { statSync, type Stats } from "node:fs";
import { basename, join, resolve } from "node:path";
import { Failure } from "../failure.ts";
import { digestOf } from "../files/digest.ts";
import { formatBytes, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type Context, done, type Result, unchanged } from "../task.ts";
import { entriesOf, publish, stage } from "./extract.ts";
import { prepareFolder, withStagingFor } from "../files/destination.ts";
import { tooMuch } from "./faults.ts";
import type { ExtractArguments } from "./options.ts";
import { type ExtractRecord, Records } from "./record.ts";

export interface ExtractFileArguments extends ExtractArguments {
  readonly archive: string;
  readonly to: string;
  readonly "max-size": number | undefined;
}

/** The task `extract`. */
export async function extractFile(args: ExtractFileArguments, { signal, log }: Context): Promise<Result> {
  const [path, destination] = [resolve(args.archive), resolve(args.to)];
  const validator = identityOf(path, args["max-size"]);
  await prepareFolder(destination, signal);

  const records = new Records(destination, path, args);
  const record = args.force ? undefined : records.find();
  if (record && isSame(record.validator, validator)) return upToDate(record, destination);
  log.progress(`reading ${quote(args.archive)}`);
  const sha256 = await digestOf(path, "sha256", signal);
  if (record?.sha256 === sha256) return upToDate(record, destination);

  return await withStagingFor(destination, async (staging) => {
    const archive = { path, label: quote(path), name: basename(path), format: "auto" } as const;
    const known = { sha256, source: path, validator };
    const staged = await stage([archive], join(staging, "tree"), { destination, args }, signal, (message) => {
      log.progress(message);
    });
    const tree = await publish(staged, { destination, staging, args, records, known }, log);
    return done(`${entriesOf(tree)}, ${formatBytes(tree.bytes)}`, reportOf({ ...known, tree }));
  });
}

/** What changes whenever the file does, even where its time and size are always the same. */
function identityOf(path: string, maxSize: number | undefined): ExtractRecord["validator"] {
  const about = statOf(path);
  if (!about.isFile())
    throw new Failure("access", `${quote(path)} is not a file`, { hint: "name an archive file" });
  if (maxSize !== undefined && about.size > maxSize) {
    throw tooMuch(`${quote(path)} (${formatBytes(about.size)})`, "max-size", maxSize);
  }
  const { size, mtimeMs, ctimeMs, ino, dev } = about;
  return { size, mtimeMs, ctimeMs, ino, dev };
}

function statOf(path: string): Stats {
  try {
    return statSync(path);
  } catch (error) {
    throw fileFailure(`cannot read ${quote(path)}`, error);
  }
}

const isSame = (one: ExtractRecord["validator"], other: ExtractRecord["validator"]): boolean =>
  Object.entries(other).every(([name, value]) => one[name] === value);

const upToDate = (record: ExtractRecord, destination: string): Result =>
  unchanged(`everything is in ${quote(destination)} already`, reportOf(record));

export const reportOf = ({ sha256, source, tree: { bytes, entries } }: ExtractRecord) => ({
  bytes,
  entries,
  sha256,
  source,
});
