import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import { tokens } from "../lexer.ts";
import { placeOf } from "../text.ts";

/** How Flyway marks what it fills in. */
const placeholder = /\$\{[^{}]+\}/g;

/** The first placeholder in a text. */
export const placeholderIn = (text: string): string | undefined => text.match(placeholder)?.[0];

/**
 * Flyway fills them in wherever they stand, in strings and bodies of functions too; in a comment they do no harm.
 * @throws Failure `configuration` that names the place
 */
export function refusePlaceholders(name: string, text: string): void {
  const found = firstOutsideOfComments(text);
  if (!found) return;
  const problem = `${quote(found[0])} is a placeholder, which Flyway fills in and initkit does not`;
  throw new Failure("configuration", `${placeOf(name, text, found.index)}: ${problem}`, {
    hint: "write the value itself in its place, or :'NAME' with the option var; where Flyway leaves it as it is as well (placeholderReplacement=false), leave adopt out once the database is adopted",
  });
}

function firstOutsideOfComments(text: string): RegExpExecArray | undefined {
  let found = nextFrom(text, 0);
  if (!found) return undefined;
  for (const { start, end, data } of tokens(text)) {
    if (found.index < start) found = nextFrom(text, start);
    if (!found) return undefined;
    if (found.index < (data?.end ?? end)) return found;
  }
  return undefined;
}

function nextFrom(text: string, at: number): RegExpExecArray | null {
  placeholder.lastIndex = at;
  return placeholder.exec(text);
}
