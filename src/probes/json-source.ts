/** A key of an object, or an index of an array. */
export type Path = readonly (string | number)[];

/**
 * The text of what stands at a path in a JSON document (RFC 8259), as it is written there.
 * @param json a document that is known to be valid and to have something there
 */
export function sourceAt(json: string, path: Path): string {
  const start = path.reduce<number>((at, key) => childAt(json, at, String(key)), skipBlanks(json, 0));
  return json.slice(start, endOfValue(json, start));
}

/** Where the value begins that a key has in the object or array at a place; the last one counts. */
function childAt(json: string, start: number, key: string): number {
  const isArray = json[start] === "[";
  let found = start;
  let at = skipBlanks(json, start + 1);
  for (let index = 0; json[at] !== "]" && json[at] !== "}"; index++) {
    const endOfName = isArray ? at : endOfValue(json, at);
    const name = isArray ? String(index) : (JSON.parse(json.slice(at, endOfName)) as string);
    if (!isArray) at = skipBlanks(json, skipBlanks(json, endOfName) + 1);
    if (name === key) found = at;
    at = skipBlanks(json, endOfValue(json, at));
    if (json[at] === ",") at = skipBlanks(json, at + 1);
  }
  return found;
}

const blanks = /[ \t\n\r]*/y;
const scalar = /"[^"\\]*(?:\\.[^"\\]*)*"|[^\s,\]}]+/y;
const mark = /[{}[\]]|"[^"\\]*(?:\\.[^"\\]*)*"/g;

const skipBlanks = (json: string, at: number): number => endOfMatch(blanks, json, at);

function endOfMatch(pattern: RegExp, json: string, at: number): number {
  pattern.lastIndex = at;
  pattern.test(json);
  return pattern.lastIndex;
}

function endOfValue(json: string, at: number): number {
  if (json[at] !== "{" && json[at] !== "[") return endOfMatch(scalar, json, at);
  mark.lastIndex = at;
  for (let depth = 0; ;) {
    const [found] = mark.exec(json)!;
    if (found === "{" || found === "[") depth++;
    if (found === "}" || found === "]") depth--;
    if (depth === 0) return mark.lastIndex;
  }
}
