import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { done, type Result, unchanged } from "../task.ts";
import { addRefusal, isDenied, refusalFailure, type Refusals } from "./refusals.ts";
import { type Permissions, setPermissions } from "./set-permissions.ts";
import { type Entry, type Named, pathOfEntry } from "./walk.ts";

/** Gives files their permissions and counts what came of it; a file that refuses stops nothing. */
export class Tally {
  readonly #wanted: Permissions;
  readonly #refusals: Refusals = { number: 0, unread: 0, first: [] };
  /** File systems on which a change has had its effect. */
  readonly #proven = new Set<number>();
  #entries = 0;
  #changed = 0;

  constructor(wanted: Permissions) {
    this.#wanted = wanted;
  }

  settle(entry: Entry): void {
    this.#entries++;
    const error = this.#change(entry) ?? entry.unreadable;
    if (entry.unreadable) this.#refusals.unread++;
    if (error) addRefusal(this.#refusals, () => pathOfEntry(entry), error);
  }

  /** Changes a folder before its turn, as it may not be read as it is; says whether that was possible. */
  unlock(folder: Entry): boolean {
    return this.#change(folder) === undefined;
  }

  /** A name that cannot even be looked at. */
  refuse(named: Named, error: unknown): void {
    this.#entries++;
    addRefusal(this.#refusals, () => pathOfEntry(named), error);
  }

  /** Why it was refused, if it was. */
  #change(entry: Entry): unknown {
    try {
      const { dev } = entry.stats;
      if (!setPermissions(entry, this.#wanted, this.#proven.has(dev))) return undefined;
      this.#proven.add(dev);
      this.#changed++;
      return undefined;
    } catch (error) {
      if (isDenied(error)) return error;
      throw fileFailure(`cannot change ${quote(pathOfEntry(entry).toString())}`, error);
    }
  }

  toString(): string {
    return `${this.#changed} of ${this.#entries} entries changed`;
  }

  /** @throws Failure `access` where anything was refused */
  result(): Result {
    const report = { entries: this.#entries, changed: this.#changed };
    if (this.#refusals.number > 0) throw refusalFailure(this.#refusals, report);
    return this.#changed > 0
      ? done(this.toString(), report)
      : unchanged(`all ${this.#entries} entries are as they should be`, report);
  }
}
