import { expandGlob } from "../src/files/expand-glob.ts";
import { checkRemovable, remove } from "../src/files/remove.ts";
import { count, quote } from "../src/format.ts";
import { path } from "../src/kinds.ts";
import { defineTask, done, oneAttempt, operands, unchanged } from "../src/task.ts";

export default defineTask({
  name: "remove",
  summary: "Removes files and folders, with all that is in them.",
  operands: { paths: operands(path, "what is to go; may hold wildcards, and need not be there") },
  options: {},
  pacing: oneAttempt,
  timeoutCode: "io",

  check({ paths }) {
    const name = paths.find((each) => /(?:^|\/)\.\.?\/*$/.test(each));
    if (name !== undefined) throw new Error(`names ${quote(name)}; name the folder itself`);
  },

  async run({ signal, log }, { paths }) {
    const all = paths.flatMap(expandGlob);
    all.forEach(checkRemovable);
    let removed = 0;
    for (const found of all) {
      removed += await remove(found, signal, (soFar) =>
        log.progress(`${count(removed + soFar, "entry", "entries")} removed`),
      );
    }
    if (removed === 0) return unchanged("nothing is there", { removed });
    return done(`${count(removed, "entry", "entries")} removed`, { removed });
  },
});
