import type { Algorithm } from "../files/digest.ts";
import { kind, type Kind } from "../kinds.ts";
import { parseSource } from "./source.ts";

export interface Digest {
  readonly algorithm: Algorithm;
  /** In lower case. */
  readonly hex: string;
}

export const shownDigest = ({ algorithm, hex }: Digest): string => `${algorithm}:${hex}`;

const lengths: Record<Algorithm, number> = { sha256: 64, sha512: 128 };

export const sha256: Kind<Digest> = kind("HEX", (value) => digest("sha256", value), {
  schema: hexSchema(64),
});

/** A digest with its algorithm, or the URL of a file that lists digests. */
export const checksum: Kind<Digest | URL> = kind("ALGO:HEX|URL", (value) => {
  const [, name = "", hex = ""] = /^([a-z0-9-]+):([0-9a-z]*)$/i.exec(value) ?? [];
  const algorithm = name.toLowerCase().replace("sha-", "sha");
  if (algorithm === "sha256" || algorithm === "sha512") return digest(algorithm, hex);
  if (/^(https?|file):/i.test(value)) return parseSource(value);
  throw new Error("is neither sha256:HEX nor sha512:HEX nor the URL of a sums file");
});

function hexSchema(length: number) {
  return { type: "string", pattern: `^[0-9a-fA-F]{${length}}$` };
}

function digest(algorithm: Algorithm, hex: string): Digest {
  if (hex.length !== lengths[algorithm] || !/^[0-9a-f]*$/i.test(hex)) {
    throw new Error(`is not a ${algorithm}; that is ${lengths[algorithm]} hexadecimal digits`);
  }
  return { algorithm, hex: hex.toLowerCase() };
}

/**
 * Finds the digest of a file in a list of them, as sha256sum(1) and BSD's `--tag` write it. A list that is nothing
 * but one digest speaks of the only file that it can mean.
 * @returns undefined where the list does not name the file, or names it with different digests
 */
export function findDigest(list: string, name: string): Digest | undefined {
  const lines = list.split("\n").map((line) => line.replace(/\r$/, ""));
  const entries = lines.flatMap((line) => parseLine(line) ?? []);
  const exact = entries.filter((entry) => entry.name === name || entry.name === `./${name}`);
  const byBaseName = entries.filter((entry) => entry.name.split("/").at(-1) === name);
  return only(exact.length > 0 ? exact : byBaseName) ?? loneDigest(lines);
}

interface Line extends Digest {
  readonly name: string;
}

function parseLine(line: string): Line | undefined {
  const [, escaped, hex, name] = /^(\\?)([0-9a-fA-F]+)(?: [ *]|\t)(.+)$/.exec(line) ?? [];
  if (hex !== undefined) return toLine(hex, escaped ? unescaped(name!) : name!);
  const [, tag, tagged, tagHex] = /^\\?(SHA256|SHA512) \((.+)\) = ([0-9a-fA-F]+)$/.exec(line) ?? [];
  return tag === undefined
    ? undefined
    : toLine(tagHex!, line.startsWith("\\") ? unescaped(tagged!) : tagged!);
}

function toLine(hex: string, name: string): Line | undefined {
  const algorithm = (Object.keys(lengths) as Algorithm[]).find((each) => lengths[each] === hex.length);
  return algorithm && { algorithm, hex: hex.toLowerCase(), name };
}

const unescaped = (name: string): string =>
  name.replace(/\\([\\nr])/g, (_, letter: string) => ({ n: "\n", r: "\r" })[letter] ?? "\\");

function only(lines: readonly Line[]): Digest | undefined {
  const [first] = lines;
  const agree = lines.every(({ hex, algorithm }) => hex === first?.hex || algorithm !== first?.algorithm);
  return first && agree ? { algorithm: first.algorithm, hex: first.hex } : undefined;
}

function loneDigest(lines: readonly string[]): Digest | undefined {
  const written = lines.filter((line) => line.trim() !== "");
  const line = written.length === 1 ? toLine(written[0]!.trim(), "") : undefined;
  return line && /^[0-9a-f]+$/.test(line.hex) ? { algorithm: line.algorithm, hex: line.hex } : undefined;
}
