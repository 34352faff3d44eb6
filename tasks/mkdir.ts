import { resolve } from "node:path";
import { setTraits } from "../src/files/deliver.ts";
import { diskFailure } from "../src/files/disk.ts";
import { look } from "../src/files/look.ts";
import { mode } from "../src/files/mode.ts";
import { type Ids, owner, resolveOwner } from "../src/files/owner.ts";
import { makeFolders } from "../src/files/parents.ts";
import { Failure } from "../src/failure.ts";
import { count, quote } from "../src/format.ts";
import { path } from "../src/kinds.ts";
import { fileFailure } from "../src/system-errors.ts";
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
    const changed = paths.filter((each) => makeFolder(each, ids, args));
    if (changed.length === 0) return unchanged(`${count(paths.length, "folder")} there already`);
    return done(`${count(changed.length, "folder")} made or changed`);
  },
});

/** Answers whether anything had to be done. */
function makeFolder(folder: string, ids: Ids, args: Values<typeof options>): boolean {
  const place = resolve(folder);
  const isNew = make(place);
  if (args.owner === undefined && args.mode === undefined) return isNew;
  if (look(place)?.isSymbolicLink()) throw isLink(place);
  return setTraits(place, ids, args.mode) || isNew;
}

function make(folder: string): boolean {
  try {
    return makeFolders(folder) !== undefined;
  } catch (error) {
    const doing = `cannot make the folder ${quote(folder)}`;
    throw look(folder)
      ? fileFailure(`${doing}: something else is there`, error)
      : diskFailure(doing, error, "/");
  }
}

const isLink = (folder: string): Failure =>
  new Failure(
    "access",
    `${quote(folder)} is a symbolic link, and its owner and mode are not set through it`,
    {
      hint: "name the folder that it leads to",
    },
  );
