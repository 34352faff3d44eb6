/** Where the quoted things of PostgreSQL's SQL end: comments, strings and names (PostgreSQL manual, 4.1). */

/** Only these are blanks to PostgreSQL; a no-break space is part of a name. */
const blanks = /[ \t\n\r\f\v]*/y;

/** Passes blanks and comments over. */
export function skipBlanks(sql: string, from: number): number {
  for (let at = from; ;) {
    at = endOfMatch(blanks, sql, at);
    if (sql.startsWith("--", at)) at = endOfLine(sql, at);
    else if (sql.startsWith("/*", at)) at = endOfComment(sql, at);
    else return at;
  }
}

const lineEnd = /[\n\r]/g;

function endOfLine(sql: string, from: number): number {
  lineEnd.lastIndex = from;
  return lineEnd.exec(sql)?.index ?? sql.length;
}

const commentMark = /\/\*|\*\//g;

/** Comments nest. */
function endOfComment(sql: string, from: number): number {
  commentMark.lastIndex = from;
  let depth = 0;
  for (let mark = commentMark.exec(sql); mark; mark = commentMark.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return commentMark.lastIndex;
  }
  return sql.length;
}

/** The text that a sticky pattern matches at a place. */
function matchAt(pattern: RegExp, sql: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(sql)?.[0];
}

const stringStart = /(?:[bexn]|u&)?'/iy;
const nameStart = /(?:u&)?"/iy;
const dollarStart = /\$(?:[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*)?\$/iy;

/** Where the text ends that a sticky pattern matches at a place; the place itself where it matches none. */
export function endOfMatch(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

export const isStringAt = (sql: string, at: number): boolean =>
  endOfMatch(stringStart, sql, at) > at || endOfMatch(dollarStart, sql, at) > at;

export const isNameAt = (sql: string, at: number): boolean => endOfMatch(nameStart, sql, at) > at;

export function endOfName(sql: string, at: number): number {
  return endOfQuoted(sql, endOfMatch(nameStart, sql, at), '"');
}

/** @param backslashes whether a backslash escapes in plain strings too: standard_conforming_strings is off */
export function endOfString(sql: string, at: number, backslashes: boolean): number {
  const dollar = matchAt(dollarStart, sql, at);
  if (dollar !== undefined) {
    const close = sql.indexOf(dollar, at + dollar.length);
    return close < 0 ? sql.length : close + dollar.length;
  }
  const open = matchAt(stringStart, sql, at)!;
  const from = at + open.length;
  const escapes = /^e/i.test(open) || (backslashes && !/^u/i.test(open));
  return escapes ? endOfEscaped(sql, from) : endOfQuoted(sql, from, "'");
}

/** A doubled quote stands for one. */
function endOfQuoted(sql: string, from: number, quote: string): number {
  for (let at = sql.indexOf(quote, from); at >= 0; at = sql.indexOf(quote, at + 2)) {
    if (sql[at + 1] !== quote) return at + 1;
  }
  return sql.length;
}

const escapedMark = /\\|''|'/g;
/** A string goes on behind a line end, and its backslashes stay what they were. */
const continuation = /[ \t\f\v]*(?:--[^\n\r]*)?[\n\r](?:[ \t\n\r\f\v]|--[^\n\r]*[\n\r])*'/y;

function endOfEscaped(sql: string, from: number): number {
  escapedMark.lastIndex = from;
  for (let mark = escapedMark.exec(sql); mark; mark = escapedMark.exec(sql)) {
    if (mark[0] === "\\") escapedMark.lastIndex++;
    if (mark[0] !== "'") continue;
    const more = endOfMatch(continuation, sql, escapedMark.lastIndex);
    if (more === escapedMark.lastIndex) return more;
    escapedMark.lastIndex = more;
  }
  return sql.length;
}
