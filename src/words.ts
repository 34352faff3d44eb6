/**
 * Splits a line into words as a POSIX shell does (Shell Command Language, 2.2 Quoting), without any
 * expansion: blanks separate, `'…'` is literal, in `"…"` a backslash escapes only `$`, a backquote, `"`,
 * `\` and a line end.
 * @throws Error that completes the sentence "the line …"
 */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const token =
    /(?<blank>[ \t\r\n]+)|(?<continued>\\\n)|'(?<single>[^']*)'|"(?<double>(?:[^"\\]|\\[^])*)"|\\(?<escaped>[^])|(?<plain>[^ \t\r\n'"\\]+)/gy;
  let word: string | undefined;
  let end = 0;
  for (const { 0: all, groups = {}, index } of line.matchAll(token)) {
    end = index + all.length;
    if (groups["blank"] !== undefined) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (groups["continued"] === undefined) word = (word ?? "") + contentOf(groups);
  }
  if (end < line.length) throw new Error(`has an unfinished quotation at character ${end + 1}`);
  if (word !== undefined) words.push(word);
  return words;
}

function contentOf({ single, double, escaped, plain }: Record<string, string | undefined>): string {
  if (double !== undefined) return double.replace(/\\(?:\n|([$`"\\]))/g, "$1");
  return escaped ?? single ?? plain ?? "";
}
