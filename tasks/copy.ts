import { glob } from "../src/files/glob.ts";
import { mode } from "../src/files/mode.ts";
import { owner, resolveOwner } from "../src/files/owner.ts";
import { copy } from "../src/files/copy.ts";
import { planCopy } from "../src/files/copy-plan.ts";
import { count, formatBytes, quote } from "../src/format.ts";
import { path } from "../src/kinds.ts";
import {
  defineTask,
  done,
  flag,
  oneAttempt,
  operand,
  operands,
  option,
  repeated,
  unchanged,
} from "../src/task.ts";

export default defineTask({
  name: "copy",
  summary: "Copies files and folders, changing only what differs.",
  operands: {
    sources: operands(path, "files and folders; may hold wildcards"),
    to: operand(path, "where to: a folder, or the file itself where one file is copied", { named: true }),
  },
  options: {
    include: repeated(glob, "copy only this, with all that is in it; relative to the source folder"),
    exclude: repeated(glob, "leave this out, with all that is in it; relative to the source folder"),
    owner: option(owner, "owner of what is copied, instead of the user that initkit runs as"),
    mode: option(mode, "mode of what is copied; of folders too, where who may read may search"),
    "no-overwrite": flag("leave alone what is there already"),
    "keep-links": flag("copy links as links, instead of what they lead to"),
  },
  pacing: oneAttempt,
  timeoutCode: "io",

  async run(context, { sources, to, ...args }) {
    const options = {
      include: args.include,
      exclude: args.exclude,
      noOverwrite: args["no-overwrite"],
      keepLinks: args["keep-links"],
      mode: args.mode,
      ids: resolveOwner(args.owner ?? {}),
    };
    const copied = await copy(planCopy(sources, to), options, context);
    const { files, bytes, changed } = copied;
    const all = `${count(files, "file")} (${formatBytes(bytes)})`;
    if (changed === 0) return unchanged(`${all} in ${quote(to)} already`, { ...copied });
    return done(`${all} in ${quote(to)}, ${count(changed, "entry", "entries")} changed`, { ...copied });
  },
});
