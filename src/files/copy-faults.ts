import type { Stats } from "node:fs";
import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import { describeSpecial } from "./special.ts";

/** What is wrong with what is to be copied: 24, for a person must change it or the step. */
const fault = (message: string, hint: string): Failure => new Failure("access", message, { hint });

export const matchesNothing = (pattern: string): Failure =>
  fault(
    `${quote(pattern)} matches nothing`,
    "check the path and that the volume is mounted there; wildcards find a hidden name only after a written dot",
  );

export const leavesNothing = (seen: number, examples: readonly string[]): Failure =>
  fault(
    `include and exclude leave nothing of ${count(seen, "entry", "entries")}`,
    `patterns are relative to the source folder; names in it: ${examples.map(quote).join(", ")}${seen > examples.length ? ", ..." : ""}`,
  );

export const leadsNowhere = (path: string, target: string): Failure =>
  fault(
    `cannot copy ${quote(path)}: it is a link to ${quote(target)}, which leads nowhere`,
    "mount what it leads to as well, leave the link out with exclude, or copy it as a link with keep-links",
  );

export const leadsBack = (path: string, above: string): Failure =>
  fault(
    `cannot copy ${quote(path)}: it leads back to ${quote(above)}, which it is in, and so never ends`,
    "leave the link out with exclude, or copy it as a link with keep-links",
  );

export const intoItself = (path: string, destination: string): Failure =>
  fault(
    `cannot copy ${quote(path)} into itself: ${quote(destination)} is that folder, or in it`,
    "name a destination outside of the source, or leave this folder out with exclude",
  );

export const notText = (path: string): Failure =>
  fault(
    `cannot copy ${quote(path)}: its name is not UTF-8`,
    "rename it, or leave it out with exclude; ? stands for such a character",
  );

export const isBoth = (path: string): Failure =>
  fault(
    `the sources have both a folder and a file for ${quote(path)}`,
    "leave one of them out with exclude, or copy them to different folders",
  );

export const isSpecial = (path: string, stats: Stats): Failure =>
  fault(
    `cannot copy ${quote(path)}: it is ${describeSpecial(stats)}`,
    "only files, folders and links are copied; leave it out with exclude",
  );
