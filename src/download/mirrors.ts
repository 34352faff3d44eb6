import { Failure } from "../failure.ts";
import { openFile } from "./file-source.ts";
import { type Access, openHttp, type Validators } from "./http-source.ts";
import { shownSource } from "./source.ts";
import { type Job, type Received, transfer } from "./transfer.ts";

/** What came from where. */
export interface Fetched extends Received {
  readonly url: URL;
  readonly validators: Validators;
  readonly path: string;
}

export interface Wanted extends Omit<Job, "source" | "path"> {
  /** Mirrors of the same bytes. */
  readonly urls: readonly URL[];
  /** A private folder to write to. */
  readonly staging: string;
  /** What a source is known to have had, if it is one that was asked before. */
  known(url: URL): Validators | undefined;
}

/**
 * Fetches a file from the first of its mirrors that has it.
 * @returns undefined where a source still has what it is known to have had
 * @throws Failure of the last mirror, permanent only where all of them are; what has to do with the disk at once
 */
export async function fetchFirst(wanted: Wanted, access: Access): Promise<Fetched | undefined> {
  const failures: Failure[] = [];
  for (const [index, url] of wanted.urls.entries()) {
    try {
      return await fetchOne(
        url,
        { ...wanted, source: shownSource(url), path: `${wanted.staging}/download-${index}` },
        access,
      );
    } catch (error) {
      if (wanted.signal.aborted || !(error instanceof Failure) || !isOfSource(error)) throw error;
      failures.push(error);
    }
  }
  throw allFailed(failures);
}

const isOfSource = ({ code }: Failure): boolean =>
  ["source-unavailable", "refused", "integrity"].includes(code);

async function fetchOne(url: URL, job: Job & Wanted, access: Access): Promise<Fetched | undefined> {
  const known = job.known(url);
  using opened = url.protocol === "file:" ? openFile(url, known) : await openHttp(url, access, known);
  if (!opened) return undefined;
  const received = await transfer(opened, job);
  return { ...received, url, validators: opened.validators, path: job.path };
}

function allFailed(failures: readonly Failure[]): Failure {
  const last = failures.at(-1)!;
  if (failures.length === 1) return last;
  const earlier = failures.slice(0, -1).map(({ message }) => message);
  return new Failure(last.code, [last.message, ...earlier].join("; before that: "), {
    ...last.options,
    permanent: failures.every(({ permanent }) => permanent),
    progressed: failures.some(({ progressed }) => progressed),
  });
}
