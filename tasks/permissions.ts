import { basename } from "node:path";
import { Failure } from "../src/failure.ts";
import { expandGlob, type FoundPath, pathOf } from "../src/files/expand-glob.ts";
import { glob, matchesGlob } from "../src/files/glob.ts";
import { mode } from "../src/files/mode.ts";
import { owner, resolveOwner } from "../src/files/owner.ts";
import { Tally } from "../src/files/permissions-tally.ts";
import { inSlices } from "../src/files/slices.ts";
import { type Entry, type Named, namesOfEntry, walk, type WalkOptions } from "../src/files/walk.ts";
import { quote } from "../src/format.ts";
import { path } from "../src/kinds.ts";
import { defineTask, flag, oneAttempt, operands, option, repeated, type Values } from "../src/task.ts";

const fields = {
  owner: option(owner, "user and group, as names or numbers; `:GROUP` for the group alone"),
  mode: option(mode, "mode, octal or symbolic; `X` is x for folders and for what is executable already"),
  "dir-mode": option(mode, "mode of folders, in place of `mode`"),
  "file-mode": option(mode, "mode of everything but folders, in place of `mode`"),
  exclude: repeated(glob, "leave this alone, with all that is below it; relative to PATH"),
  contents: flag("change what is in PATH, and not PATH itself"),
  "no-recursive": flag("change PATH alone; with `contents`, what is directly in it"),
  "same-filesystem": flag("leave out folders that other volumes are mounted on"),
};
type Options = Values<typeof fields>;

/** What volumes bring along and nobody may touch: ext4's and a NAS's own folders, at their top. */
const leftAlone = new Set(["lost+found", ".snapshot"]);

export default defineTask({
  name: "permissions",
  summary: "Sets owner and mode of files and folders, with all that is in them, where they differ.",
  operands: { path: operands(path, "files and folders; may hold wildcards, and links are not followed") },
  options: fields,
  pacing: oneAttempt,
  timeoutCode: "io",

  check(args) {
    const wanted = [args.owner, args.mode, args["dir-mode"], args["file-mode"]];
    if (wanted.every((each) => each === undefined)) {
      throw new Error("has nothing to set; give owner, mode, dir-mode or file-mode");
    }
  },

  async run({ signal, log }, args) {
    const tally = new Tally({
      ids: args.owner ? resolveOwner(args.owner) : {},
      directoryMode: args["dir-mode"] ?? args.mode,
      fileMode: args["file-mode"] ?? args.mode,
    });
    const between = () => log.progress(tally.toString());
    for (const root of args.path.flatMap((operand) => findRoots(operand, args))) {
      const entries = walk(root, walkOptions(root, args, tally));
      await inSlices(entries, { signal, between }, (entry) => {
        if (entry && isWanted(entry, root, args)) tally.settle(entry);
      });
    }
    return tally.result();
  },
});

/** The paths that an operand stands for, without those that a wildcard has found and that are to be left alone. */
function findRoots(operand: string, args: Options): FoundPath[] {
  const found = expandGlob(operand);
  if (found.length === 0) throw matchesNothing(operand);
  return found.filter(({ names }) => {
    const name = names.at(-1)?.toString();
    if (name === undefined || name === basename(operand)) return true;
    return !leftAlone.has(name) && !isExcluded(names, args);
  });
}

function matchesNothing(operand: string): Failure {
  return new Failure("access", `${quote(operand)} matches nothing`, {
    hint: "check the path and that the volume is mounted there; wildcards find a hidden name only after a written dot",
  });
}

function walkOptions(root: FoundPath, args: Options, tally: Tally): WalkOptions {
  return {
    depth: args["no-recursive"] ? Number(args.contents) : Infinity,
    sameFilesystem: args["same-filesystem"],
    skips(named) {
      if (named.depth === 1 && leftAlone.has(named.name.toString())) return true;
      return args.exclude.length > 0 && isExcluded(namesBelow(root, named), args);
    },
    unlock: (folder) => isWanted(folder, root, args) && tally.unlock(folder),
    refused: (named, error) => tally.refuse(named, error),
  };
}

function isExcluded(names: readonly Buffer[], { exclude }: Options): boolean {
  const relative = names.join("/");
  return exclude.some((pattern) => matchesGlob(pattern, relative));
}

/** The names that lead to an entry from where the operand's wildcards begin, or else from the root. */
const namesBelow = (root: FoundPath, named: Named): Buffer[] => [
  ...root.names,
  ...namesOfEntry(named).slice(1),
];

function isWanted(entry: Entry, root: FoundPath, { contents }: Options): boolean {
  if (!contents || entry.depth > 0) return true;
  if (entry.stats.isDirectory() || root.names.length > 0) return false;
  throw new Failure("access", `${quote(pathOf(root).toString())} is not a folder, so it has no contents`, {
    hint: "leave contents out, or name the folder that the file is in",
  });
}
