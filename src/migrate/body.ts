import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { endOfData, Lexer, type Span, type Token } from "./lexer.ts";
import { hintFor, isHarmless } from "./psql-commands.ts";
import { skipBlanks } from "./quoted.ts";
import { placeOf } from "./text.ts";
import { nameIn, substituteFor, type Variables } from "./variables.ts";

/** What of a file is applied, as the server gets it. */
export interface Body {
  readonly sql: string;
  /** Where in the file's text stands what is at an index of `sql`. */
  readonly origin: (at: number) => number;
}

/**
 * Puts the values of variables into a section of a file, and takes out the commands of psql that do nothing here.
 * @throws Failure `configuration` that names the place: of another command of psql, of a value that does not fit
 * where it stands, of COPY data that begin or end unclearly
 */
export function bodyOf(name: string, text: string, section: Span, variables: Variables): Body {
  const part = text.slice(section.start, section.end);
  const failure: FailureAt = (at, problem, hint) =>
    new Failure("configuration", `${placeOf(name, text, section.start + at)}: ${problem}`, { hint });
  return edited(part, section.start, [...editsOf(part, variables, failure)]);
}

type FailureAt = (at: number, problem: string, hint: string) => Failure;

interface Edit extends Span {
  readonly text: string;
}

function* editsOf(sql: string, variables: Variables, failure: FailureAt): Generator<Edit> {
  if (!mayHoldEdits(sql, variables)) return;
  const lexer = new Lexer(sql);
  while (lexer.next()) {
    const { kind, start, end, data } = lexer;
    if (data) refuseUnclear(sql, lexer, data, failure);
    const text =
      kind === "command"
        ? withoutCommand(sql, lexer, failure)
        : kind === "variable"
          ? valueFor(sql, lexer, variables, failure)
          : undefined;
    if (text !== undefined) yield { start, end, text };
  }
}

/** Most files hold nothing to look for, which is quickly seen. */
function mayHoldEdits(sql: string, variables: Variables): boolean {
  if (/\\|\bstd(?:in|out)\b/i.test(sql)) return true;
  return [...variables.keys()].some((name) => ["", "'", '"'].some((mark) => sql.includes(`:${mark}${name}`)));
}

function refuseUnclear(sql: string, { end }: Token, data: Span, failure: FailureAt): void {
  const stray = skipBlanks(sql.slice(0, data.start), end);
  if (stray < data.start)
    throw failure(stray, "SQL on the line of a COPY, behind it", "move it below the data of the COPY");
  if (endOfData(sql, data) > data.end) return;
  throw failure(
    data.start,
    "the data of a COPY have no end",
    "end them with a line that holds \\. and nothing else",
  );
}

function withoutCommand(sql: string, { start, end }: Token, failure: FailureAt): string {
  const command = sql.slice(start, end).trim();
  if (isHarmless(command)) return "";
  throw failure(start, `${quote(command)} is a command of psql, not SQL`, hintFor(command));
}

function valueFor(
  sql: string,
  { start, end }: Token,
  variables: Variables,
  failure: FailureAt,
): string | undefined {
  const variable = sql.slice(start, end);
  const name = nameIn(variable);
  const value = variables.get(name);
  if (value === undefined) return undefined;
  const substitute = substituteFor(variable, value);
  if (substitute !== undefined) return substitute;
  throw failure(
    start,
    `the value of ${variable} is neither a number nor a plain name`,
    `write :'${name}' for a text, and :"${name}" for a name`,
  );
}

/** A stretch of `sql` that begins at `at`, and where in the text it comes from; a `fixed` one as a whole. */
interface Stretch {
  readonly at: number;
  readonly from: number;
  readonly fixed: boolean;
}

function edited(part: string, offset: number, edits: readonly Edit[]): Body {
  const stretches: Stretch[] = [{ at: 0, from: offset, fixed: false }];
  const pieces: string[] = [];
  let [length, done] = [0, 0];
  const add = (text: string) => {
    pieces.push(text);
    length += text.length;
  };
  for (const { start, end, text } of edits) {
    add(part.slice(done, start));
    stretches.push({ at: length, from: offset + start, fixed: true });
    add(text);
    stretches.push({ at: length, from: offset + end, fixed: false });
    done = end;
  }
  add(part.slice(done));
  return { sql: pieces.join(""), origin: (at) => originIn(stretches, at) };
}

function originIn(stretches: readonly Stretch[], at: number): number {
  let [low, high] = [0, stretches.length];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (stretches[middle]!.at <= at) low = middle;
    else high = middle;
  }
  const { at: start, from, fixed } = stretches[low]!;
  return fixed ? from : from + at - start;
}
