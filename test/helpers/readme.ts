import { readFileSync } from "node:fs";
import { readmePath } from "../docs/generate.ts";

export const readme = readFileSync(readmePath, "utf8");

/** The blocks of a language that are written by hand, not generated. */
export function blocksOf(language: string): string[] {
  const byHand = readme.replaceAll(/<!-- generated: [^]*?<!-- end -->/g, "");
  return [...byHand.matchAll(/^```(\w+)\n([^]*?)^```$/gm)].flatMap(([, found, text]) =>
    found === language ? [text!] : [],
  );
}

/** The list with a step of each task, a line each. */
export const exampleSteps = (): string[] => blocksOf("text")[0]!.trimEnd().split("\n");

/** A row of "Coming from another tool". */
export interface Replacement {
  readonly before: string;
  /** Each as a variable `INITKIT_STEP_<KEY>` has it. */
  readonly steps: readonly string[];
}

export function replacements(): Replacement[] {
  const [, table = ""] = /\| before \| step \|\n\| --- \| --- \|\n((?:\|.*\n)+)/.exec(readme) ?? [];
  return table
    .trimEnd()
    .split("\n")
    .map((row) => {
      const [, before = "", after = ""] = row.split(/(?<!\\)\|/);
      const code = [...after.matchAll(/`([^`]+)`/g)].map(([, text]) => text!);
      return { before: before.trim(), steps: code.filter((text) => text.includes(" ")) };
    });
}
