import { dirname, resolve } from "node:path";
import { isSea } from "node:sea";
import { Failure } from "./failure.ts";
import { path } from "./kinds.ts";
import { defineTask, oneAttempt, operand } from "./task.ts";

/** The command `install`: it runs as a single step does, but is no task that could stand among others. */
export default defineTask({
  name: "install",
  summary: "Copies initkit, with all that it needs to run, into a folder, for use inside other images.",
  operands: { dir: operand(path, "top of a volume, which other containers mount at /initkit") },
  options: {},
  pacing: oneAttempt,
  timeoutCode: "io",

  check() {
    if (isSea()) return;
    throw new Failure("configuration", "install copies /initkit of the image, and this is not the image", {
      hint: "let an init container do it: `image: initkit`, `args: [install, /target]`",
    });
  },

  async run(context, { dir }) {
    const { install } = await import("./install/install.ts");
    return await install(ownFolder(), resolve(dir), context);
  },
});

/** Where this initkit is: its runtime is bin/runtime in it. */
const ownFolder = (): string => dirname(dirname(process.execPath));
