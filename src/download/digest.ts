import { basename } from "node:path";
import type { Digest } from "./checksum.ts";
import type { Access } from "./http-source.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn } from "./source.ts";

/**
 * The digest that the bytes must have, where one is asked for.
 * @param place where they are to be: a list of digests may know them by that name too
 * @throws Failure of the source of the list
 */
export async function wantedDigest(
  args: DownloadArguments,
  place: string,
  access: Access,
): Promise<Digest | undefined> {
  const { sha256, checksum } = args;
  if (!(checksum instanceof URL)) return sha256 ?? checksum;
  const { digestFrom } = await import("./sums.ts");
  return await digestFrom(checksum, [nameIn(args.urls[0]!) ?? [], basename(place)].flat(), access);
}
