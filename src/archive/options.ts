import { glob } from "../files/glob.ts";
import { mode } from "../files/mode.ts";
import { owner } from "../files/owner.ts";
import { integer, kind, size, type Kind } from "../kinds.ts";
import { flag, option, repeated, type Values } from "../task.ts";

const subpath: Kind<string> = kind("DIR", (value) => {
  const names = value.split("/").filter((name) => name !== "" && name !== ".");
  if (names.length === 0) throw new Error("names no folder; write a path within the archive");
  if (names.includes("..")) throw new Error("climbs; write a path within the archive");
  return names.join("/");
});

/** What says which entries of an archive are extracted, and how. */
export const selectionFields = {
  strip: option(integer(), "leading parts to take off each name"),
  subpath: option(subpath, "extract only what is in this folder of the archive, to the top"),
  include: repeated(glob, "extract only names of the archive that match"),
  exclude: repeated(glob, "leave out names of the archive that match"),
  "max-extracted": option(size, "most bytes to extract", "10GiB"),
  "max-entries": option(integer(1), "most entries to extract, folders included", "1000000"),
};

/** The other options that `extract` and `download` share. */
export const deliveryFields = {
  owner: option(owner, "owner of what is written, instead of the user that initkit runs as"),
  mode: option(mode, "mode of what is written; of folders too, where who may read may search"),
  force: flag("do the work even where it is found done"),
};

export type SelectionArguments = Values<typeof selectionFields>;
type DeliveryArguments = Values<typeof deliveryFields>;
export type ExtractArguments = SelectionArguments & DeliveryArguments;
