import { basename } from "node:path";
import type { Digest } from "./checksum.ts";
import type { Access } from "./http-source.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn } from "./source.ts";

/**
 * The digests that the bytes must have, all of them; none where none is asked for.
 * @param place where they are to be: a list of digests may know them by that name too
 * @throws Failure of the source of the list
 */
export async function wantedDigests(
  args: DownloadArguments,
  place: string,
  access: Access,
): Promise<readonly Digest[]> {
  const { sha256, checksum } = args;
  if (!(checksum instanceof URL)) return [sha256 ?? [], checksum ?? []].flat();
  const { digestFrom } = await import("./sums.ts");
  const listed = await digestFrom(checksum, [nameIn(args.urls[0]!) ?? [], basename(place)].flat(), access);
  return [sha256 ?? [], listed].flat();
}
