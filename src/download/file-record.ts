import { type BigIntStats, lstatSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { digestOf, fingerprint } from "../files/digest.ts";
import { readRecord, writeRecord } from "../files/json-record.ts";
import { type Digest, shownDigest } from "./checksum.ts";
import type { Validators } from "./validators.ts";

/** What a downloaded file was, and what its source said of it. */
export interface FileRecord {
  readonly version: 1;
  /** Shown in the report. */
  readonly source: string;
  /** A digest of the whole URL, which may hold secrets. */
  readonly url: string;
  readonly validators: Validators;
  readonly bytes: number;
  readonly sha256: string;
  readonly mtimeMs: number;
  /** What was asked for and found right, besides the sha256. */
  readonly digests: readonly string[];
  /** Changes with any change of the file, and cannot be set back. */
  readonly identity: string;
}

/** The name of a record: a long name of a file leaves no room for it. */
function recordPath(file: string): string {
  const name = `.${basename(file)}.initkit.json`;
  const fits = Buffer.byteLength(name) <= 255;
  return join(dirname(file), fits ? name : `.${fingerprint(basename(file)).slice(0, 16)}.initkit.json`);
}

/** The record of a file, if the file is still what the record says. */
export async function findRecord(file: string, signal: AbortSignal): Promise<FileRecord | undefined> {
  const record = readFileRecord(file);
  const about = lstatSync(file, { throwIfNoEntry: false });
  if (!record || !about?.isFile() || about.size !== record.bytes) return undefined;
  const isSame =
    about.mtimeMs === record.mtimeMs || (await digestOf(file, "sha256", signal)) === record.sha256;
  return isSame ? record : undefined;
}

/** The record of a file that nobody has touched since it was found to have all these digests. */
export function findVerified(file: string, digests: readonly Digest[]): FileRecord | undefined {
  const record = readFileRecord(file);
  if (!record || identityOf(file) !== record.identity) return undefined;
  const verified = [`sha256:${record.sha256}`, ...record.digests];
  return digests.every((digest) => verified.includes(shownDigest(digest))) ? record : undefined;
}

function readFileRecord(file: string): FileRecord | undefined {
  const record = readRecord(recordPath(file)) as Partial<FileRecord> | undefined;
  if (record?.version !== 1 || typeof record.sha256 !== "string" || !record.validators) return undefined;
  return Array.isArray(record.digests) ? (record as FileRecord) : undefined;
}

function identityOf(file: string): string | undefined {
  const about = lstatSync(file, { bigint: true, throwIfNoEntry: false });
  return about?.isFile() ? identityIn(about) : undefined;
}

const identityIn = ({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string =>
  [dev, ino, size, mtimeNs, ctimeNs].join();

export function keepRecord(
  file: string,
  {
    digests,
    ...record
  }: Pick<FileRecord, "source" | "url" | "validators" | "bytes" | "sha256"> & { digests: readonly Digest[] },
  staging: string,
): void {
  const about = lstatSync(file, { bigint: true });
  const whole: FileRecord = {
    version: 1,
    ...record,
    mtimeMs: Number(about.mtimeNs) / 1e6,
    digests: digests.map(shownDigest),
    identity: identityIn(about),
  };
  writeRecord(recordPath(file), whole, staging);
}
