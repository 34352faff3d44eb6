import { corrupt } from "./faults.ts";

/** The longest one has 63 bits. */
const maxBytes = 9;

/**
 * A number of variable length, seven bits in each byte, the lowest first (The .xz File Format, section 1.2).
 * @throws Failure `integrity` where it is too long, or longer than it need be
 */
export function readNumber(source: { byte(): number }): number {
  let [value, factor] = [0, 1];
  for (let count = 1; count <= maxBytes; count++) {
    const byte = source.byte();
    value += (byte & 0x7f) * factor;
    factor *= 128;
    if (byte < 0x80) {
      if (byte === 0 && count > 1) break;
      return value;
    }
  }
  throw corrupt("the xz data is damaged");
}
