import type { Place } from "./text.ts";

const longest = 100;

/**
 * The line of a place, cut to what is around the column.
 * @param caret whether a caret below it points to the column
 */
export function excerpt({ line, column, source }: Place, caret: boolean): string[] {
  const characters = Array.from(source, (character) => (unprintable.test(character) ? " " : character));
  const from = Math.max(0, Math.min(column - 1 - longest / 2, characters.length - longest));
  const margin = `  ${line} | `;
  const [before, after] = [from > 0 ? "…" : "", characters.length > from + longest ? "…" : ""];
  const shown = `${margin}${before}${characters.slice(from, from + longest).join("")}${after}`;
  if (!caret) return [shown];
  const indent = characters.slice(from, column - 1).reduce((sum, character) => sum + widthOf(character), 0);
  return [shown, `${" ".repeat(margin.length + before.length + indent)}^`];
}

const unprintable = /[\p{Cc}\u2028-\u202e\u2066-\u2069]/u;

/** Columns of a terminal: none for what joins the character before it, two for emoji and East Asian wide letters. */
function widthOf(character: string): number {
  if (/[\p{M}\p{Cf}\p{Emoji_Modifier}]/u.test(character)) return 0;
  return wide.test(character) ? 2 : 1;
}

const wide =
  /[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]/u;
