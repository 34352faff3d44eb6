/** No name is longer, and comparing takes time. */
const longest = 64;

/** The nearest of the valid names, as the end of a sentence: `; did you mean "timeout"?`, or nothing. */
export function didYouMean(name: string, valid: Iterable<string>): string {
  if (name.length > longest) return "";
  const limit = Math.max(1, Math.floor(name.length / 3));
  let best: { name: string; distance: number } | undefined;
  for (const candidate of valid) {
    const distance = editDistance(normal(name), normal(candidate));
    if (distance <= limit && distance < (best?.distance ?? Infinity)) best = { name: candidate, distance };
  }
  return best ? `; did you mean ${best.name}?` : "";
}

const normal = (name: string): string => name.toLowerCase().replaceAll("_", "-");

/** Levenshtein distance in which swapping two neighbours also counts as one edit. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const substituted = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const swap = swapped ? beforeLast[j - 2]! + 1 : Infinity;
      row.push(Math.min(last[j]! + 1, row[j - 1]! + 1, substituted, swap));
    }
    [beforeLast, last] = [last, row];
  }
  return last[b.length]!;
}
