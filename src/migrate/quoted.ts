/** Where the quoted things of PostgreSQL's SQL end: comments, strings and names (PostgreSQL manual, 4.1). */

import { blank, endOfRun } from "./characters.ts";

/** Passes blanks and comments over. */
export function skipBlanks(sql: string, from: number): number {
  for (let at = from; ;) {
    at = endOfRun(blank, sql, at);
    if (sql[at] === "-" && sql[at + 1] === "-") at = endOfLine(sql, at);
    else if (sql[at] === "/" && sql[at + 1] === "*") at = endOfComment(sql, at);
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

/** Where the text ends that a sticky pattern matches at a place; the place itself where it matches none. */
export function endOfMatch(pattern: RegExp, sql: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(sql) ? pattern.lastIndex : at;
}

const dollarStart = /\$(?:[a-z_\u0080-\uffff][a-z0-9_\u0080-\uffff]*)?\$/iy;

export function isStringAt(sql: string, at: number): boolean {
  if (sql[at] === "$") return endOfMatch(dollarStart, sql, at) > at;
  return sql[openQuote(sql, at)] === "'";
}

export const isNameAt = (sql: string, at: number): boolean => sql[openQuote(sql, at)] === '"';

/** Where a quote stands that begins a string or a name, behind its prefix, if it has one. */
function openQuote(sql: string, at: number): number {
  if (sql[at + 1] === "'" && "bBeExXnN".includes(sql[at]!)) return at + 1;
  if (sql[at + 1] === "&" && "uU".includes(sql[at]!)) return at + 2;
  return at;
}

export function endOfName(sql: string, at: number): number {
  return endOfQuoted(sql, openQuote(sql, at) + 1, '"');
}

/** @param backslashes whether a backslash escapes in plain strings too: standard_conforming_strings is off */
export function endOfString(sql: string, at: number, backslashes: boolean): number {
  if (sql[at] === "$") return endOfDollarQuoted(sql, at);
  const from = openQuote(sql, at) + 1;
  const escapes = "eE".includes(sql[at]!) || (backslashes && !"uU".includes(sql[at]!));
  return escapes ? endOfEscaped(sql, from) : endOfQuoted(sql, from, "'");
}

function endOfDollarQuoted(sql: string, at: number): number {
  const from = endOfMatch(dollarStart, sql, at);
  const tag = sql.slice(at, from);
  const close = sql.indexOf(tag, from);
  return close < 0 ? sql.length : close + tag.length;
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
