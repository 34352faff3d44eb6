import { join } from "node:path";
import { fingerprint } from "../files/digest.ts";
import { readRecord, writeRecord } from "../files/json-record.ts";
import { isStillThere, type Traits, type TreeSummary } from "./summary.ts";
import type { ExtractArguments } from "./options.ts";
import type { Understood } from "./understanding.ts";

/** What was extracted into a folder, and from what. */
export interface ExtractRecord {
  /** The sha256 of the archive. */
  readonly sha256: string;
  /** Shown in the report. */
  readonly source: string;
  /** What tells without reading the archive that it is still the same: a file's identity, a server's ETag. */
  readonly validator: Readonly<Record<string, string | number>>;
  /** Of each archive; not so for one that is known by its path. */
  readonly understood?: readonly Understood[];
  readonly tree: TreeSummary;
}

interface RecordFile {
  readonly version: 1;
  readonly extracted: Readonly<Record<string, ExtractRecord>>;
}

/** What initkit writes beside what it has extracted; one out of an archive would say nothing of that. */
export const recordName = ".initkit.json";
/** Steps that extract into one folder; those that have not been seen for the longest time are forgotten first. */
const maxRecords = 16;

function isComplete(record: ExtractRecord | undefined): record is ExtractRecord {
  return (
    typeof record?.sha256 === "string" && typeof record.tree?.paths === "string" && Boolean(record.validator)
  );
}

/** The records in a folder, one for each archive and set of options. */
export class Records {
  readonly #folder: string;
  readonly #key: string;
  readonly #traits: Traits;

  /** @param source what the archive is known by: its path, its URLs, or its digest */
  constructor(
    folder: string,
    source: unknown,
    { strip, subpath, include, exclude, owner, mode }: ExtractArguments,
  ) {
    const texts = [include, exclude].map((globs) => globs.map(({ text }) => text));
    this.#folder = folder;
    this.#key = fingerprint([source, strip, subpath, texts, owner, mode]).slice(0, 16);
    this.#traits = { mode: mode !== undefined, owner: owner !== undefined };
  }

  get traits(): Traits {
    return this.#traits;
  }

  /** The record of this extraction, if all that it speaks of is still there. */
  find(): ExtractRecord | undefined {
    const record = this.#read()[this.#key];
    return isComplete(record) && isStillThere(this.#folder, record.tree, this.#traits) ? record : undefined;
  }

  /**
   * To be called before anything is changed, so that a run that is killed in the middle leaves no false record.
   * @param all where something is replaced, which may be what another record speaks of
   */
  forget(all: boolean, staging: string): void {
    const records = this.#read();
    if (Object.keys(records).length === 0) return;
    const { [this.#key]: _, ...others } = records;
    this.#write(all ? {} : others, staging);
  }

  remember(record: ExtractRecord, staging: string): void {
    const { [this.#key]: _, ...others } = this.#read();
    const kept = Object.entries(others).slice(1 - maxRecords);
    this.#write({ ...Object.fromEntries(kept), [this.#key]: record }, staging);
  }

  #read(): RecordFile["extracted"] {
    const value = readRecord(join(this.#folder, recordName)) as Partial<RecordFile> | undefined;
    return value?.version === 1 && typeof value.extracted === "object" ? (value.extracted ?? {}) : {};
  }

  #write(extracted: RecordFile["extracted"], staging: string): void {
    writeRecord(join(this.#folder, recordName), { version: 1, extracted } satisfies RecordFile, staging);
  }
}
