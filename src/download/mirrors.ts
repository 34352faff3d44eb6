import { Failure } from "../failure.ts";
import { keepParts } from "../files/parts.ts";
import type { Fetched, Wanted } from "./fetch-source.ts";
import type { Access } from "./http-source.ts";

/**
 * Fetches from the first of the mirrors that has the bytes.
 * @returns undefined where a source still has what is there already
 * @throws as `firstOf` does
 */
export async function fetchFirst(
  urls: readonly URL[],
  wanted: Wanted,
  access: Access,
): Promise<Fetched | undefined> {
  const { fetchSource } = await import("./fetch-source.ts");
  return await firstOf(urls, access.signal, (url) => fetchSource(url, wanted, access));
}

/**
 * Does something with the first of the mirrors that it succeeds with.
 * @param urls mirrors of the same bytes
 * @param mayDiffer whether another one may do better where one has failed so
 * @throws Failure of the last mirror, permanent only where all of them are; what has to do with the disk at once
 */
export async function firstOf<T>(
  urls: readonly URL[],
  signal: AbortSignal,
  use: (url: URL) => Promise<T>,
  mayDiffer: (failure: Failure) => boolean = () => true,
): Promise<T> {
  const failures: Failure[] = [];
  for (const url of urls) {
    try {
      return await use(url);
    } catch (error) {
      if (signal.aborted || !(error instanceof Failure) || !isOfSource(error)) throw error;
      failures.push(error);
      if (!mayDiffer(error)) break;
    }
  }
  throw allFailed(failures);
}

const isOfSource = ({ code }: Failure): boolean =>
  ["source-unavailable", "refused", "integrity"].includes(code);

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

/**
 * Where `use` fails but may succeed another time, what has come so far stays beside the staging folder for that. A
 * full volume is left as it was.
 */
export async function withPartsKept<T>(
  staging: string,
  signal: AbortSignal,
  use: () => Promise<T>,
): Promise<T> {
  try {
    return await use();
  } catch (error) {
    if (signal.aborted || (error instanceof Failure && isOfSource(error) && !error.permanent))
      keepParts(staging);
    throw error;
  }
}
