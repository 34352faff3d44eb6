import { quote } from "../format.ts";
import { unsafe } from "./faults.ts";

/** What an entry of a layer takes away of the layers before it. */
export interface Whiteout {
  /** The parts of the name that it takes away; none for the top. */
  readonly names: readonly string[];
  /** Takes away what is in that folder, not the folder. */
  readonly isOpaque: boolean;
}

const prefix = ".wh.";
const opaque = ".wh..wh..opq";

/** Whether a name is one that no file of an image can have. */
export const isReserved = (names: readonly string[]): boolean =>
  names.some((name) => name.startsWith(prefix));

/**
 * What an entry with a reserved name stands for (OCI image-spec 1.1, layer.md, "Whiteouts").
 * @returns undefined for what AUFS noted down for itself
 * @throws Failure `integrity` where it names nothing, or the folder above
 */
export function whiteoutOf(names: readonly string[]): Whiteout | undefined {
  const [folder, name] = [names.slice(0, -1), names.at(-1)!];
  if (isReserved(folder)) return undefined;
  if (name === opaque) return { names: folder, isOpaque: true };
  if (name.startsWith(prefix + prefix)) return undefined;
  const hidden = name.slice(prefix.length);
  if (["", ".", ".."].includes(hidden))
    throw unsafe(`the whiteout ${quote(names.join("/"))} names nothing that it could take away`);
  return { names: [...folder, hidden], isOpaque: false };
}
