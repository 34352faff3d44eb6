import { mode } from "../src/files/mode.ts";
import { owner, resolveOwner } from "../src/files/owner.ts";
import { count, quote } from "../src/format.ts";
import { type Kind, kind, pair, type Pair, path, secretInPair } from "../src/kinds.ts";
import { renderAll } from "../src/render/deliver.ts";
import { Marks } from "../src/render/marks.ts";
import { findTemplates } from "../src/render/templates.ts";
import { defineTask, done, oneAttempt, operand, option, repeated, unchanged } from "../src/task.ts";

const variable: Kind<string> = kind("NAME", (value) => {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(value)) {
    throw new Error("is not the name of a variable; write NAME, without a dollar sign");
  }
  return value;
});

/** The text ends at the first equals sign. */
const placeholder: Kind<Pair> = kind(
  "PLACEHOLDER=VALUE",
  (value) => {
    if (value.indexOf("=") < 1) throw new Error("is not of the form PLACEHOLDER=VALUE, such as @@HOST@@=db");
    return pair.parse(value);
  },
  { secretIn: secretInPair },
);

export default defineTask({
  name: "render",
  summary: "Fills in a file, or every file in a folder, with the values of variables.",
  operands: {
    template: operand(path, "file to fill in, or a folder of them; links are followed"),
    to: operand(path, "file to write; or a folder, where it is one or ends in a slash", { named: true }),
  },
  options: {
    only: repeated(variable, "variable to replace; every other ${ is left as it is"),
    set: repeated(placeholder, "another text to replace wherever it stands, and what by"),
    owner: option(owner, "owner of the files, instead of the user that initkit runs as"),
    mode: option(mode, "mode of the files, octal or symbolic"),
  },
  pacing: oneAttempt,
  timeoutCode: "io",

  check({ set }) {
    const names = set.map(({ name }) => name);
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice !== undefined) throw new Error(`${quote(twice)} is set twice; set it once`);
  },

  async run({ env, signal, log }, { template, to, only, set, ...args }) {
    const ids = resolveOwner(args.owner ?? {});
    const { files, ...destination } = findTemplates(template, to);
    const wanted = { ...destination, marks: new Marks({ env, only, set }), ids, mode: args.mode };
    const changed = await renderAll(files, wanted, { signal, log });
    const report = { files: files.length, changed };
    if (files.length === 0) return unchanged(`there is no file in ${quote(template)}`, report);
    if (changed === 0) return unchanged(`${quote(to)} is so already`, report);
    return done(`${changed} of ${count(files.length, "file")} in ${quote(to)} written`, report);
  },
});
