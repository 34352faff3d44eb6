import { lstatSync, readlinkSync, type Stats, statSync } from "node:fs";
import { basename, join } from "node:path";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { isSpecial, leadsNowhere } from "./copy-faults.ts";
import type { CopySource } from "./copy-plan.ts";
import { inFolder, isGone } from "./handle.ts";

/** Something in a source, and where it lands. */
export interface Found {
  /** Leads through the open folder that it is in. */
  readonly at: Buffer;
  /** Its path as the user knows it. */
  readonly shown: string;
  /** Its path as patterns see it. */
  readonly relative: string;
  /** Its path in the destination, which is "". */
  readonly path: string;
  /** The open folder of the destination that it lands in, where that is there. */
  readonly there: number | undefined;
  readonly above: SourceFolder | undefined;
}

/** A folder of a source that is open. */
export interface SourceFolder extends Found {
  readonly fd: number;
  readonly identity: string;
}

export function foundAs({ path, name = "", relative }: CopySource, there: number | undefined): Found {
  return { at: path, shown: path.toString(), relative, path: name, there, above: undefined };
}

export function foundIn(above: SourceFolder, name: Buffer, there: number | undefined): Found {
  const text = name.toString();
  return {
    at: inFolder(above.fd, name),
    shown: join(above.shown, text),
    relative: join(above.relative, text),
    path: join(above.path, text),
    there,
    above,
  };
}

/** Its place in an open folder of the destination. */
export const placeOf = (folder: number, { path }: Found): Buffer =>
  inFolder(folder, Buffer.from(basename(path)));

/** What it leads to, through links; undefined where that is nowhere. */
export function lookThrough({ at, shown }: Found): Stats | undefined {
  try {
    return statSync(at);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw fileFailure(`cannot read ${quote(shown)}`, error);
  }
}

/** A link of a source: what it says, in bytes. */
export interface SourceLink {
  readonly text: Buffer;
  readonly stats: Stats;
}

/** Undefined for anything but a link. */
export function lookAtLink({ at, shown }: Found): SourceLink | undefined {
  try {
    const stats = lstatSync(at);
    return stats.isSymbolicLink() ? { text: readlinkSync(at, { encoding: "buffer" }), stats } : undefined;
  } catch (error) {
    throw fileFailure(`cannot read ${quote(shown)}`, error);
  }
}

/** @throws Failure `access` that says why something is not copied */
export function refuse(found: Found, stats: Stats | undefined): never {
  const link = lookAtLink(found);
  if (stats) throw isSpecial(found.shown, stats);
  throw leadsNowhere(found.shown, link?.text.toString() ?? "");
}
