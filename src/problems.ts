import { Failure } from "./failure.ts";
import { count } from "./format.ts";

interface Problem {
  /** Argument number, variable, or file:line:column. */
  readonly place: string;
  readonly message: string;
  readonly hint: string | undefined;
}

/** Collects the mistakes of a configuration, so that all of them are told at once. */
export class Problems {
  readonly #list: Problem[] = [];

  add(place: string, message: string, hint?: string): void {
    this.#list.push({ place, message, hint });
  }

  /**
   * Runs a parser; what it throws is a mistake at that place, and the answer is undefined.
   * @param usual hint where the parser has none
   */
  catch<T>(place: string, subject: string, parse: () => T, usual?: string): T | undefined {
    try {
      return parse();
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      const hint = error instanceof Failure ? error.hint : usual;
      this.add(place, subject ? `${subject} ${message}` : message, hint);
      return undefined;
    }
  }

  get size(): number {
    return this.#list.length;
  }

  /** @throws Failure `configuration` that tells all mistakes, where there are any */
  throwIfAny(): void {
    const list = inOrder(this.#list);
    const [first, ...others] = list;
    if (!first) return;
    if (others.length === 0) throw new Failure("configuration", line(first), { hint: first.hint });
    const shown = list.slice(0, maxShown).map((problem) => `- ${line(problem)}`);
    const left = list.length - shown.length;
    if (left > 0) shown.push(`- and ${left} more`);
    const hints = [...new Set(list.flatMap(({ hint }) => hint ?? []))].slice(0, 3);
    throw new Failure("configuration", [`${count(list.length, "mistake")}:`, ...shown].join("\n"), {
      hint: hints.length > 0 ? hints.join("; ") : undefined,
    });
  }
}

const maxShown = 50;

/** From the top of each source to its end, and sources in the order in which something was found in them. */
function inOrder(list: readonly Problem[]): Problem[] {
  const located = list.map((problem) => ({ problem, ...positionOf(problem.place) }));
  const sources = [...new Set(located.map(({ source }) => source))];
  return located
    .sort(
      (a, b) =>
        sources.indexOf(a.source) - sources.indexOf(b.source) || a.line - b.line || a.column - b.column,
    )
    .map(({ problem }) => problem);
}

/** Of an argument, its number is the line. */
function positionOf(place: string): { source: string; line: number; column: number } {
  const [, source = "", at = "0", column = "0"] = /^(.*?)(?:[ :](\d+)(?::(\d+))?)?$/s.exec(place)!;
  return { source, line: Number(at), column: Number(column) };
}

const line = ({ place, message }: Problem): string => (place ? `${place}: ${message}` : message);
