import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { expandBraces, matchesName, type NamePattern, parseName } from "./glob.ts";
import { isGone } from "./handle.ts";

/** A path that an operand stands for. */
export interface FoundPath {
  /** The part as it was written, up to the first name with a wildcard; it is followed as any path is. */
  readonly base: string;
  /** The names below it that matched, in bytes, for a name need not be UTF-8. None where there is no wildcard. */
  readonly names: readonly Buffer[];
}

/** The whole path, in bytes. */
export function pathOf({ base, names }: FoundPath): Buffer {
  return names.reduce(joinBytes, Buffer.from(base));
}

/** A name appended to a path, in bytes. */
export function joinBytes(folder: Buffer, name: Buffer): Buffer {
  return Buffer.concat([folder, Buffer.from(folder.at(-1) === 0x2f ? "" : "/"), name]);
}

/**
 * The paths that an operand PATH stands for, sorted; none where its wildcards match nothing.
 * Without `*`, `?`, `[` or `{` it is the path itself, there or not; so is one that exists as it is written.
 * Wildcards are those of `glob`, but as in a shell they match a hidden name only after a dot that is written out,
 * and they never lead through a symbolic link. The last name may be one.
 * @throws Failure where a folder cannot be read
 */
export function expandGlob(operand: string): FoundPath[] {
  const path = operand.replace(/(?<=[^/])\/+$/, "");
  if (!/[*?[{]/.test(path) || exists(path)) return [{ base: path, names: [] }];
  const found = expandBraces(path)
    .flatMap(expandChoice)
    .map((each) => [pathOf(each).toString("latin1"), each] as const);
  return [...new Map(found)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function exists(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    if (isGone(error)) return false;
    throw fileFailure(`cannot look at ${quote(path)}`, error);
  }
}

function expandChoice(choice: string): FoundPath[] {
  const names = choice.split("/");
  const first = names.findIndex((name) => /[*?[]/.test(name));
  if (first < 0) return [{ base: unescaped(choice), names: [] }];
  const base = unescaped(names.slice(0, first).join("/")) || (choice.startsWith("/") ? "/" : ".");
  const patterns = names.slice(first).filter((name) => name !== "" && name !== ".");
  if (patterns.at(-1) === "**") patterns.push("*");
  return matchesBelow(Buffer.from(base), patterns.map(parseWildcard))
    .map((found) => ({ base, names: found }))
    .toArray();
}

const unescaped = (path: string): string => path.replace(/\\(.)/gsu, "$1");

interface Wildcard {
  readonly pattern: NamePattern;
  readonly matchesHidden: boolean;
}

const parseWildcard = (name: string): Wildcard => ({
  pattern: parseName(name),
  matchesHidden: /^\\?\./.test(name),
});

function* matchesBelow(folder: Buffer, wildcards: readonly Wildcard[]): Generator<Buffer[]> {
  const [first, ...rest] = wildcards;
  const anyDepth = first!.pattern === "**";
  if (anyDepth) yield* matchesBelow(folder, rest);
  for (const entry of readFolder(folder).filter((each) => matchesEntry(first!, each))) {
    if (rest.length === 0) yield [entry.name];
    else if (entry.isDirectory()) {
      const deeper = matchesBelow(joinBytes(folder, entry.name), anyDepth ? wildcards : rest);
      for (const names of deeper) yield [entry.name, ...names];
    }
  }
}

function matchesEntry({ pattern, matchesHidden }: Wildcard, entry: Dirent<Buffer>): boolean {
  const name = entry.name.toString();
  return (matchesHidden || !name.startsWith(".")) && matchesName(pattern, name);
}

function readFolder(folder: Buffer): Dirent<Buffer>[] {
  try {
    return readdirSync(folder, { withFileTypes: true, encoding: "buffer" });
  } catch (error) {
    if (isGone(error)) return [];
    throw fileFailure(`cannot read the folder ${quote(folder.toString())}`, error);
  }
}
