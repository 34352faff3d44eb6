import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { unsafe } from "./faults.ts";

const maxDepth = 1024;
const maxNameBytes = 255;
const maxPathBytes = 3500;

/**
 * The parts of a name out of an archive, below the folder that it is extracted to; none for the folder itself.
 * @throws Failure `integrity` for a name that is absolute, climbs, or that no file system could hold
 */
export function safeNames(name: string): string[] {
  if (name === "") throw badName("it has an entry without a name");
  if (name.includes("\0")) throw badName(`the name ${quote(name)} holds a NUL byte`);
  if (name.startsWith("/")) throw badName(`the name ${shortened(name)} is absolute`);
  const names = name.split("/").filter((part) => part !== "" && part !== ".");
  if (names.includes("..")) throw badName(`the name ${shortened(name)} climbs out of its folder`);
  if (isTooLong(name, names)) throw badName(`the name ${shortened(name)} is too long`);
  return names;
}

function isTooLong(name: string, names: readonly string[]): boolean {
  if (names.length > maxDepth || Buffer.byteLength(name) > maxPathBytes) return true;
  return names.some((part) => Buffer.byteLength(part) > maxNameBytes);
}

/** As `safeNames`, for zip, whose names come from systems where a backslash or a drive letter has a meaning. */
export function safeZipNames(name: string): string[] {
  if (name.includes("\\")) throw badName(`the name ${shortened(name)} holds a backslash`);
  if (/^[A-Za-z]:/.test(name)) throw badName(`the name ${shortened(name)} begins with a drive letter`);
  return safeNames(name);
}

/**
 * The name that a source gives a file, if it is one and no path.
 * @throws Failure `integrity`
 */
export function safeFileName(title: string): string {
  const isName = !["", ".", ".."].includes(title) && !/[/\p{Cc}]/u.test(title);
  if (isName && Buffer.byteLength(title) <= maxNameBytes) return title;
  throw new Failure("integrity", `the title ${shortened(title)} is no name for a file; nothing was written`, {
    kind: "unsafe",
    hint: "push the artifact again with a plain name as its title (org.opencontainers.image.title), or name the file in to",
  });
}

/** Not even the patterns of exclude are held against such a name. */
const badName = (what: string): Failure =>
  unsafe(
    what,
    "repack it with plain relative names: nothing in front, no .., no backslash, no part longer than 255 bytes",
  );

const shortened = (name: string): string => quote(name.length > 200 ? `${name.slice(0, 200)}…` : name);
