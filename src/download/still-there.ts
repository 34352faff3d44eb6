import { Failure } from "../failure.ts";
import type { Wanted } from "./fetch-source.ts";
import type { Access } from "./http-source.ts";
import { locate } from "./locate.ts";

/** What is known before a source is asked. */
export type Known = Pick<Wanted, "there" | "known" | "located">;

/**
 * Does what needs a volume to write to. Where it is full or may not be written, that is no matter as long as one of the
 * mirrors still has what is there already.
 * @param unchanged what to answer then
 * @throws what `act` throws
 */
export async function orStillThere<T>(
  act: () => Promise<T>,
  { urls, known, access }: { urls: readonly URL[]; known: Known; access: Access },
  unchanged: () => T,
): Promise<T> {
  try {
    return await act();
  } catch (error) {
    const isOfVolume = error instanceof Failure && (error.code === "io" || error.code === "access");
    if (isOfVolume && known.there && (await anyHasStill(urls, known, access))) return unchanged();
    throw error;
  }
}

async function anyHasStill(urls: readonly URL[], known: Known, access: Access): Promise<boolean> {
  for (const url of urls) if (await hasStill(url, known, access)) return true;
  return false;
}

async function hasStill(url: URL, { there, known, located }: Known, access: Access): Promise<boolean> {
  const { open } = await import("./fetch-location.ts");
  const { announced } = await import("./fetch-source.ts");
  try {
    const locations = located?.get(url) ?? (await locate(url, access));
    if (!there!.comesOutSo(locations)) return false;
    if (announced(locations) === there!.sha256) return true;
    const validators = known(url);
    if (locations.length > 1 || !validators) return false;
    using opened = await open(locations[0]!, access, { known: validators });
    return opened === undefined;
  } catch (error) {
    if (access.signal.aborted || !(error instanceof Failure)) throw error;
    return false;
  }
}
