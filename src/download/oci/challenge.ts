/** How a server wants to be told who asks (RFC 9110, section 11.3). */
export interface Challenge {
  /** In lower case: `bearer`, `basic`. */
  readonly scheme: string;
  /** By their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+";
const gap = /[\s,]*/y;
const parameter = new RegExp(`(${token})\\s*=\\s*(?:"((?:[^"\\\\]|\\\\.)*)"|(${token}))(?=[\\s,]|$)`, "sy");
const scheme = new RegExp(`(${token})(?=[\\s,]|$)`, "y");
const token68 = /[A-Za-z0-9._~+/-]+=*(?=[\s,]|$)/y;

/**
 * The challenges in fields of WWW-Authenticate (RFC 9110, section 11.6.1). What follows something that is none is not
 * read.
 */
export function parseChallenges(fields: string | readonly string[] | undefined): Challenge[] {
  return [fields ?? []].flat().flatMap(parseField);
}

function parseField(field: string): Challenge[] {
  const challenges: { scheme: string; parameters: Map<string, string> }[] = [];
  for (let at = skip(gap, field, 0); at < field.length; at = skip(gap, field, at)) {
    const found = matchAt(parameter, field, at);
    const named = found ? null : matchAt(scheme, field, at);
    if (found) challenges.at(-1)?.parameters.set(found[1]!.toLowerCase(), valueOf(found));
    if (named) challenges.push({ scheme: named[1]!.toLowerCase(), parameters: new Map() });
    const end = at + (found ?? named ?? [""])[0].length;
    const next = end > at ? end : skip(token68, field, at);
    if (next === at) break;
    at = next;
  }
  return challenges;
}

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at;
  return pattern.exec(text);
}

const skip = (pattern: RegExp, text: string, at: number): number =>
  at + (matchAt(pattern, text, at)?.[0].length ?? 0);

const valueOf = ([, , quoted, plain]: RegExpExecArray): string => plain ?? quoted!.replace(/\\(.)/gs, "$1");
