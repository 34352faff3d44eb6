import type { ExtractRecord } from "../archive/record.ts";
import { isUnderstoodSo } from "../archive/understanding.ts";
import type { Location } from "./location.ts";
import type { DownloadArguments } from "./options.ts";
import { nameIn } from "./source.ts";

/** The name that a source gives to a file. */
export const nameFor = ({ title }: Pick<Location, "title">, { urls }: DownloadArguments): string =>
  title ?? nameIn(urls[0]!) ?? "download";

/** Whether the bytes that a record speaks of would come out the same where they are located so. */
export const comesOutSo = (
  { understood }: ExtractRecord,
  locations: readonly Location[],
  args: DownloadArguments,
): boolean =>
  isUnderstoodSo(
    understood,
    locations.map((location) => ({ name: nameFor(location, args), isLayer: location.isLayer ?? false })),
  );

/**
 * Whether that can be told without asking the source: a registry may have given a file another name.
 */
export const isKnownOffline = ({ understood = [] }: ExtractRecord, args: DownloadArguments): boolean =>
  args.urls[0]!.protocol === "oci:"
    ? understood.every(({ name }) => name === null)
    : understood.every(({ name }) => name === null || name === nameFor({}, args));
