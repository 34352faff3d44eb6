/** Kinds of characters in SQL (PostgreSQL manual, 4.1), as tables: a long text has millions of characters. */

/** For each character of ASCII, and for all others together, whether it is of the kind. */
type Kind = Uint8Array;

const others = 128;

const kindOf = (pattern: RegExp): Kind =>
  Uint8Array.from({ length: others + 1 }, (_, code) => Number(pattern.test(String.fromCharCode(code))));

/** Only these are blanks to PostgreSQL; what is not ASCII, a no-break space too, is part of a word. */
export const blank = kindOf(/[ \t\n\r\f\v]/);
export const digit = kindOf(/[0-9]/);
export const wordStart = kindOf(/[a-z_\u0080]/i);
export const wordPart = kindOf(/[a-z0-9_$\u0080]/i);
/** As psql reads numbers, with letters that are wrong in them. */
export const numberPart = kindOf(/[a-z0-9_.\u0080]/i);

export const isOf = (kind: Kind, sql: string, at: number): boolean =>
  kind[Math.min(sql.charCodeAt(at), others)] === 1;

/** Where a run of characters of a kind ends that begins at a place. */
export function endOfRun(kind: Kind, sql: string, from: number): number {
  let at = from;
  while (isOf(kind, sql, at)) at++;
  return at;
}
