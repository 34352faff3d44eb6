/** A version of digits, or digits joined by dots, without leading zeros and trailing `.0`: `2.0` is `2`. */
export type Version = string;

const form = /^[0-9]+(?:\.[0-9]+)*$/;

/** @throws Error that completes the sentence "to …" */
export function parseVersion(text: string): Version {
  if (!form.test(text)) throw new Error("is not a version; write digits, or digits joined by dots");
  const parts = text.split(".").map((part) => part.replace(/^0+(?=.)/, ""));
  while (parts.length > 1 && parts.at(-1) === "0") parts.pop();
  return parts.join(".");
}

/** Numeric, component by component; of any length, so a number type would not do. */
export function compareVersions(a: Version, b: Version): number {
  const [left, right] = [a.split("."), b.split(".")];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const order = compareDigits(left[at] ?? "0", right[at] ?? "0");
    if (order !== 0) return order;
  }
  return 0;
}

function compareDigits(a: string, b: string): number {
  if (a.length !== b.length) return a.length - b.length;
  return a < b ? -1 : a > b ? 1 : 0;
}
