import { lstatSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { digestOf, fingerprint } from "../files/digest.ts";
import { readRecord, writeRecord } from "../files/json-record.ts";
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
}

/** The name of a record: a long name of a file leaves no room for it. */
function recordPath(file: string): string {
  const name = `.${basename(file)}.initkit.json`;
  const fits = Buffer.byteLength(name) <= 255;
  return join(dirname(file), fits ? name : `.${fingerprint(basename(file)).slice(0, 16)}.initkit.json`);
}

/** The record of a file, if the file is still what the record says. */
export async function findRecord(file: string, signal: AbortSignal): Promise<FileRecord | undefined> {
  const record = readRecord(recordPath(file)) as Partial<FileRecord> | undefined;
  if (record?.version !== 1 || typeof record.sha256 !== "string" || !record.validators) return undefined;
  const about = lstatSync(file, { throwIfNoEntry: false });
  if (!about?.isFile() || about.size !== record.bytes) return undefined;
  const isSame =
    about.mtimeMs === record.mtimeMs || (await digestOf(file, "sha256", signal)) === record.sha256;
  return isSame ? (record as FileRecord) : undefined;
}

export function keepRecord(
  file: string,
  record: Omit<FileRecord, "version" | "mtimeMs">,
  staging: string,
): void {
  const { mtimeMs } = lstatSync(file);
  writeRecord(recordPath(file), { version: 1, ...record, mtimeMs } satisfies FileRecord, staging);
}
