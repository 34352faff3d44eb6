import type { EntryType } from "./entry.ts";
import { unsupported } from "./faults.ts";
import { matchesGlob, namesOf, type Glob } from "../files/glob.ts";
import { quote } from "../format.ts";
import { Failure } from "../failure.ts";

/** Which entries are extracted, and where to. */
export interface Rules {
  /** How many leading parts are taken off each name. */
  readonly strip: number;
  /** Only what is in this folder of the archive is extracted, and lands at the top. */
  readonly subpath: string | undefined;
  readonly include: readonly Glob[];
  readonly exclude: readonly Glob[];
}

/** Picks entries by their names, and remembers whether the rules have met anything. */
export class Selection {
  readonly #rules: Rules;
  readonly #subpath: readonly string[];
  #seen = 0;
  #selected = 0;
  #subpathFound = false;
  #examples: string[] = [];

  constructor(rules: Rules) {
    this.#rules = rules;
    this.#subpath = namesOf(rules.subpath ?? "");
  }

  /** Where an entry lands below the target folder; undefined where it is left out. */
  pick(names: readonly string[], type: EntryType): string | undefined {
    if (names.length === 0) return undefined;
    this.#seen++;
    if (this.#examples.length < 3) this.#examples.push(names.join("/"));
    this.#subpathFound ||=
      this.#isBelowSubpath(names) && (names.length > this.#subpath.length || type === "folder");
    const path = this.locate(names);
    if (path !== undefined) this.#selected++;
    return path;
  }

  /** Where an entry of this name lands, asked for a link that points to it. */
  locate(names: readonly string[]): string | undefined {
    if (!this.#isBelowSubpath(names)) return undefined;
    const left = names.slice(this.#subpath.length + this.#rules.strip);
    return left.length > 0 && this.#isWanted(names.join("/")) ? left.join("/") : undefined;
  }

  /**
   * Where has landed what is taken away again: "" stands for everything, undefined for nowhere.
   * @throws Failure `integrity` where `strip` has mixed it with what other folders held
   */
  landing(names: readonly string[]): string | undefined {
    const common = Math.min(names.length, this.#subpath.length);
    if (this.#subpath.slice(0, common).some((name, index) => names[index] !== name)) return undefined;
    const left = names.slice(this.#subpath.length);
    if (left.length === 0 || this.#rules.strip === 0) return left.join("/");
    const what = `a layer takes away ${quote(names.join("/"))} of earlier ones while strip is set`;
    throw unsupported(what, "name the folder of the image with subpath, instead of strip");
  }

  #isBelowSubpath(names: readonly string[]): boolean {
    return this.#subpath.every((name, index) => names[index] === name);
  }

  #isWanted(path: string): boolean {
    const { include, exclude } = this.#rules;
    const isMet = (glob: Glob) => matchesGlob(glob, path);
    return (include.length === 0 || include.some(isMet)) && !exclude.some(isMet);
  }

  /** @throws Failure `integrity` where the rules have met nothing of an archive that is not empty */
  finish(): void {
    const { subpath } = this.#rules;
    const hint = `names in it: ${this.#examples.map(quote).join(", ")}${this.#seen > 3 ? ", …" : ""}`;
    if (subpath !== undefined && !this.#subpathFound) {
      throw new Failure("integrity", `the archive has no folder ${quote(subpath)} (subpath)`, { hint });
    }
    if (this.#selected === 0 && this.#seen > 0 && this.#hasRules()) {
      throw new Failure(
        "integrity",
        `strip, include and exclude leave nothing of its ${this.#seen} entries`,
        { hint },
      );
    }
  }

  #hasRules(): boolean {
    const { strip, include, exclude } = this.#rules;
    return strip > 0 || include.length > 0 || exclude.length > 0;
  }
}
