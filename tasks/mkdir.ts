import { resolve } from "node:path";
import { setTraits } from "../src/files/deliver.ts";
import { diskFailure } from "../src/files/disk.ts";
import { look } from "../src/files/look.ts";
import { mode } from "../src/files/mode.ts";
import { type Ids, owner, resolveOwner } from "../src/files/owner.ts";
import { makeFolders, removeFolders } from "../src/files/parents.ts";
import { Failure } from "../src/failure.ts";
import { count, quote } from "../src/format.ts";
import { path } from "../src/kinds.ts";
import { errnoOf, fileFailure } from "../src/system-errors.ts";
import { defineTask, done, oneAttempt, operands, option, unchanged, type Values } from "../src/task.ts";

const options = {
  mode: option(mode, "mode of each PATH, octal or symbolic; missing parents get the usual one"),
  owner: option(owner, "owner of each PATH; missing parents belong to the user that initkit runs as"),
};

export default defineTask({
  name: "mkdir",
  summary: "Makes folders, with their missing parents.",
  operands: { paths: operands(path, "folders that are to be there") },
  options,
  pacing: oneAttempt,
  timeoutCode: "io",

  async run(_, { paths, ...args }) {
    const ids = resolveOwner(args.owner ?? {});
    const folders = paths.map((path) => resolve(path));
    const made: string[] = [];
    try {
      for (const folder of folders) made.push(...make(folder));
      const settled = folders.filter((folder) => settle(folder, ids, args));
      const changed = folders.filter((folder) => made.includes(folder) || settled.includes(folder));
      if (changed.length === 0) return unchanged(`${count(paths.length, "folder")} there already`);
      return done(`${count(changed.length, "folder")} made or changed`);
    } catch (error) {
      removeFolders(made);
      throw error;
    }
  },
});

/** Answers which folders were missing. */
function make(folder: string): readonly string[] {
  try {
    return makeFolders(folder);
  } catch (error) {
    const doing = `cannot make the folder ${quote(folder)}`;
    throw errnoOf(error) === "EEXIST"
      ? fileFailure(`${doing}: something else is there`, error)
      : diskFailure(doing, error, "/");
  }
}

/** Answers whether owner or mode had to be set. */
function settle(folder: string, ids: Ids, { owner: wanted, mode: bits }: Values<typeof options>): boolean {
  if (wanted === undefined && bits === undefined) return false;
  if (look(folder)?.isSymbolicLink()) throw isLink(folder);
  return setTraits(folder, ids, bits);
}

const isLink = (folder: string): Failure =>
  new Failure(
    "access",
    `${quote(folder)} is a symbolic link, and its owner and mode are not set through it`,
    {
      hint: "name the folder that it leads to",
    },
  );
