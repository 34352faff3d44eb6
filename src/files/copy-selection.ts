import { leavesNothing } from "./copy-faults.ts";
import { type Glob, matchesGlob } from "./glob.ts";

const mostExamples = 3;

/** What of the sources is copied, by paths relative to the folder that patterns are about, which is "" itself. */
export class CopySelection {
  readonly #include: readonly Glob[];
  readonly #exclude: readonly Glob[];
  readonly #examples: string[] = [];
  #seen = 0;
  /** How many entries are copied so far. */
  selected = 0;

  constructor(include: readonly Glob[], exclude: readonly Glob[]) {
    this.#include = include;
    this.#exclude = exclude;
  }

  /** Whether something is left out with all that is in it, so that it is not even looked at. */
  excludes(path: string): boolean {
    if (path !== "") this.#note(path);
    return this.#exclude.some((pattern) => matchesGlob(pattern, path));
  }

  /** Whether something is copied for itself, and not only for what is in it. */
  includes(path: string): boolean {
    const isIncluded =
      this.#include.length === 0 || this.#include.some((pattern) => matchesGlob(pattern, path));
    if (isIncluded) this.selected++;
    return isIncluded;
  }

  /** @throws Failure `access` where the patterns leave nothing of what is there */
  finish(): void {
    if (this.selected === 0 && this.#seen > 0) throw leavesNothing(this.#seen, this.#examples);
  }

  #note(path: string): void {
    this.#seen++;
    if (this.#examples.length < mostExamples) this.#examples.push(path);
  }
}
