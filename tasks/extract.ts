import { deliveryFields, selectionFields } from "../src/archive/options.ts";
import { path, size } from "../src/kinds.ts";
import { defineTask, oneAttempt, operand, option } from "../src/task.ts";

export default defineTask({
  name: "extract",
  summary:
    "Extracts an archive (tar, zip, or a single file; plain, gz, zst, xz or bz2) into a folder, all of it or nothing.",
  operands: {
    archive: operand(path, "archive file; its format is told by its content"),
    to: operand(path, "folder to extract to; it is merged into what is there", { named: true }),
  },
  options: {
    ...selectionFields,
    "max-size": option(size, "largest archive to accept"),
    ...deliveryFields,
  },
  pacing: oneAttempt,
  timeoutCode: "io",

  async run(context, args) {
    const { extractFile } = await import("../src/archive/extract-file.ts");
    return await extractFile(args, context);
  },
});
