import { kind, type Kind } from "../kinds.ts";

/** A pattern for paths below a folder, ready to be matched. */
export interface Glob {
  readonly text: string;
  /** One list of name patterns for each choice of the braces; each ends in `**`, for a folder covers what is in it. */
  readonly choices: readonly (readonly NamePattern[])[];
}

/** What one name must look like, character by character; `**` stands for any number of names. */
export type NamePattern = "**" | readonly CharacterPattern[];
type CharacterPattern = "*" | ((character: string) => boolean);

/**
 * A pattern of `include` or `exclude`, in the manner of gitignore(5). In a name, `*` is any text, `?` any
 * character, `[a-z]`, `[!a-z]` and `[[:digit:]]` one of a set (glob(7)), and `\` takes the next character as it is.
 * `**` as a name is any number of folders, at the end everything below. `{a,b}` is either text.
 * A pattern without a slash is looked for at every depth, any other from the top. Hidden names are names like others.
 */
export const glob: Kind<Glob> = kind("GLOB", (value) => ({
  text: value,
  choices: expandBraces(value).map(parseChoice),
}));

/**
 * Whether a pattern matches a path, or a folder that the path is in.
 * @param path relative to the folder that the pattern is about; a `./` before it or a slash after it is no part of it
 */
export function matchesGlob({ choices }: Glob, path: string): boolean {
  const names = namesOf(path);
  return choices.some((choice) => matchesSequence(choice, names, "**", matchesName));
}

/** The names between the slashes of a path. */
export const namesOf = (path: string): string[] =>
  path.split("/").filter((name) => name !== "" && name !== ".");

function parseChoice(choice: string): NamePattern[] {
  const names = namesOf(choice);
  if (names.length === 0) throw new Error("is an empty pattern");
  if (names.includes("..")) throw new Error("holds .., which no path below the folder has");
  const anchored = choice.replace(/\/+$/, "").includes("/");
  const below = names.at(-1) === "**" ? ["*", "**"] : ["**"];
  return [...(anchored ? [] : ["**"]), ...names, ...below].map(parseName);
}

/** The pattern for one name. */
export function parseName(name: string): NamePattern {
  return name === "**" ? name : tokens(name).map(parseCharacter);
}

/** Whether one name, a text without a slash, looks like the pattern. */
export function matchesName(pattern: NamePattern, name: string): boolean {
  if (pattern === "**") return true;
  return matchesSequence(pattern, Array.from(name), "*", (one, character) => one !== "*" && one(character));
}

/**
 * Matches item by item, where `wild` stands for any run of items. Only the latest run is ever made longer,
 * so the time is at most the product of the two lengths, whatever the pattern.
 */
function matchesSequence<P, T>(
  pattern: readonly P[],
  items: readonly T[],
  wild: P,
  matches: (one: P, item: T) => boolean,
): boolean {
  let [at, latestWild, runEnd] = [0, -1, 0];
  for (let index = 0; index < items.length;) {
    if (at < pattern.length && pattern[at] === wild) {
      [latestWild, runEnd] = [at++, index];
    } else if (at < pattern.length && matches(pattern[at]!, items[index]!)) {
      at++;
      index++;
    } else if (latestWild >= 0) {
      at = latestWild + 1;
      index = ++runEnd;
    } else return false;
  }
  return pattern.slice(at).every((rest) => rest === wild);
}

/** An escaped character, a set in brackets, or a plain character. A bracket that is never closed is plain. */
const token = /\\.?|\[(?:[!^]|(?![!^]))(?:\]|\[:[a-z]*:\]|\\.|[^\]\\])(?:\[:[a-z]*:\]|\\.|[^\]\\])*\]|[^]/gsu;

const tokens = (name: string): string[] => name.match(token) ?? [];

function parseCharacter(part: string): CharacterPattern {
  if (part === "*") return "*";
  if (part === "?") return () => true;
  if (part.length > 2 && part.startsWith("[")) return parseSet(part.slice(1, -1));
  if (part === "\\") throw new Error("ends in a backslash");
  const wanted = part.startsWith("\\") ? part.slice(1) : part;
  return (character) => character === wanted;
}

const members = /\[:([a-z]*):\]|(\\.|[^])-(\\.|[^])|\\.|[^]/gsu;

function parseSet(content: string): CharacterPattern {
  const negated = /^[!^]/.test(content);
  const tests = content
    .slice(negated ? 1 : 0)
    .matchAll(members)
    .map(parseMember)
    .toArray();
  return (character) => tests.some((test) => test(character)) !== negated;
}

function parseMember([whole, className, from, to]: RegExpMatchArray): (character: string) => boolean {
  if (className !== undefined) return parseClass(className);
  const [first, last] = [unescaped(from ?? whole), unescaped(to ?? whole)];
  if (codeOf(first) > codeOf(last)) throw new Error(`has a range ${first}-${last} that runs backwards`);
  return (character) => codeOf(first) <= codeOf(character) && codeOf(character) <= codeOf(last);
}

const unescaped = (member: string): string =>
  member.length > 1 && member.startsWith("\\") ? member.slice(1) : member;
const codeOf = (character: string): number => character.codePointAt(0)!;

const classes: Record<string, RegExp> = {
  alnum: /[\p{L}\p{N}]/u,
  alpha: /\p{L}/u,
  blank: /[ \t]/,
  cntrl: /\p{Cc}/u,
  digit: /[0-9]/,
  graph: /[^\p{Z}\p{C}]/u,
  lower: /\p{Ll}/u,
  print: /[^\p{C}]/u,
  punct: /[\p{P}\p{S}]/u,
  space: /\s/,
  upper: /\p{Lu}/u,
  xdigit: /[0-9A-Fa-f]/,
};

function parseClass(name: string): (character: string) => boolean {
  const characters = classes[name];
  if (!characters)
    throw new Error(`has an unknown class [:${name}:]; write one of ${Object.keys(classes).join(", ")}`);
  return (character) => characters.test(character);
}

/** More choices than this are a mistake, or an attempt to use up the memory. */
const mostChoices = 1000;
const longestPattern = 4096;

/** The texts that a pattern with `{a,b}` stands for, in the order of bash(1); braces without a comma are plain. */
export function expandBraces(text: string): string[] {
  if (text.length > longestPattern) throw new Error(`is longer than ${longestPattern} characters`);
  const brace = firstBrace(text);
  if (!brace) return [text];
  const { before, choices, after } = brace;
  const ends = expandBraces(after);
  const expanded = choices
    .flatMap(expandBraces)
    .flatMap((choice) => ends.map((end) => before + choice + end));
  if (expanded.length > mostChoices) throw new Error(`has more than ${mostChoices} choices in braces`);
  return expanded;
}

interface Brace {
  readonly before: string;
  readonly choices: string[];
  readonly after: string;
}

function firstBrace(text: string): Brace | undefined {
  const parts = tokens(text);
  for (let start = parts.indexOf("{"); start >= 0; start = parts.indexOf("{", start + 1)) {
    const choices = readChoices(parts, start);
    if (choices) return { before: parts.slice(0, start).join(""), ...choices };
  }
  return undefined;
}

/** What stands between the commas of the brace at `start`, if it is closed and has a comma. */
function readChoices(parts: readonly string[], start: number): Omit<Brace, "before"> | undefined {
  const choices = [""];
  for (let at = start + 1, depth = 0; at < parts.length; at++) {
    const part = parts[at]!;
    if (part === "}" && depth === 0) {
      return choices.length > 1 ? { choices, after: parts.slice(at + 1).join("") } : undefined;
    }
    if (part === "{") depth++;
    if (part === "}") depth--;
    if (part === "," && depth === 0) choices.push("");
    else choices[choices.length - 1] += part;
  }
  return undefined;
}
