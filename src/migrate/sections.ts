import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { statements } from "./statements.ts";
import { placeOf } from "./text.ts";

/** The part of a file that is applied: the whole of it, or the section that is marked so. */
export interface Section {
  readonly start: number;
  readonly end: number;
  readonly transaction: boolean;
}

/** Marks of sections: dbmate, goose and sql-migrate, node-pg-migrate, tern. */
const upMark =
  /^(?:--[ \t]*migrate:up(?=\s|$)|--[ \t]*\+(?:goose|migrate)[ \t]+up\b|[ \t]*--[ \t-]*up[ \t]+migration[ \t-]*\r?$).*$/gim;
const downMark =
  /^(?:--[ \t]*migrate:down(?=\s|$)|--[ \t]*\+(?:goose|migrate)[ \t]+down\b|[ \t]*--[ \t-]*down[ \t]+migration[ \t-]*\r?$|---- create above \/ drop below ----).*$/gim;

/** To take this for a comment could run what undoes the migration; to take it for a mark could leave SQL out. */
const unclearMark = /^[ \t]*--[ \t-]*down[ \t]+migration\b(?![ \t-]*\r?$).*$/im;
const substitution = /^--[ \t]*\+goose[ \t]+envsub[ \t]+on\b/im;

/** "No transaction", as initkit, sqlx, goose, tern, graphile-migrate and Atlas write it. */
const noTransactionMarks = [
  /^--[ \t]*initkit:[ \t]*no-transaction[ \t]*\r?$/im,
  /^-- no-transaction/,
  /^--[ \t]*\+goose[ \t]+no[ \t]+transaction\b/im,
  /^---- tern: disable-tx ----/m,
  /^--![ \t]*no-transaction\b/m,
  /^--[ \t]*atlas:txmode[ \t]+none\b/m,
];
const ownMark = noTransactionMarks[0]!;

/** Options behind the up mark of dbmate and of sql-migrate. */
const noTransactionOption = /\btransaction:false\b|\bnotransaction\b/i;

/**
 * Finds what to apply in a file that may be written for another tool.
 * @throws Failure `configuration` where that is not clear
 */
export function sectionOf(name: string, text: string): Section {
  refuseUnclear(name, text);
  const ups = marksIn(text, upMark);
  const downs = marksIn(text, downMark);
  if (ups.length > 1) throw unusable(name, text, ups[1]!.start, "a second section to apply", onlyOne);
  const start = ups[0]?.end ?? 0;
  const end = downs.find((mark) => mark.start >= start)?.start ?? text.length;
  if (ups[0]) refuseSqlBefore(name, text, Math.min(ups[0].start, downs[0]?.start ?? Infinity));
  const marked =
    noTransactionMarks.some((mark) => mark.test(text)) || noTransactionOption.test(ups[0]?.text ?? "");
  return { start, end, transaction: !marked };
}

interface Mark {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

const marksIn = (text: string, pattern: RegExp): Mark[] =>
  [...text.matchAll(pattern)].map(({ 0: found, index }) => ({
    start: index,
    end: index + found.length,
    text: found,
  }));

const onlyOne = "keep one section to apply in a file, and put the other into a file of its own";

function unusable(name: string, text: string, at: number, problem: string, hint: string): Failure {
  return new Failure("configuration", `${placeOf(name, text, at)}: ${problem}`, { hint });
}

function refuseUnclear(name: string, text: string): void {
  const refuse = (pattern: RegExp, problem: (found: string) => string, hint: string) => {
    const found = pattern.exec(text);
    if (found) throw unusable(name, text, found.index, problem(quote(found[0].trim())), hint);
  };
  refuse(
    unclearMark,
    (found) => `${found} may be the mark of a section or a comment`,
    "write the mark alone on its line (-- Down Migration), or word the comment in another way",
  );
  refuse(
    substitution,
    (found) => `${found}: variables of goose are not replaced here`,
    "write the values into the file",
  );
  const own = ownMark.exec(text);
  if (own && own.index > 0) {
    const problem = `${quote(own[0].trim())} is not the first line`;
    throw unusable(name, text, own.index, problem, "move it to the top of the file");
  }
}

function refuseSqlBefore(name: string, text: string, end: number): void {
  const [stray] = statements(text.slice(0, end));
  if (!stray) return;
  throw unusable(name, text, stray.start, "SQL before the section to apply", "move it below the mark");
}
