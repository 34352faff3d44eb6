import { type Stats, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../src/failure.ts";
import { assemble, bytesOf, type Part, sizeOf } from "../src/files/assemble.ts";
import { setTraits } from "../src/files/deliver.ts";
import { holdsContent } from "../src/files/holds-content.ts";
import { keepTraits } from "../src/files/keep-traits.ts";
import { look } from "../src/files/look.ts";
import { mode } from "../src/files/mode.ts";
import { owner, resolveOwner } from "../src/files/owner.ts";
import { withParents } from "../src/files/parents.ts";
import { publishFile } from "../src/files/publish.ts";
import { sameContent } from "../src/files/same-content.ts";
import { describeSpecial, isReplaceable } from "../src/files/special.ts";
import { sweep, withStaging } from "../src/files/staging.ts";
import { formatBytes, quote } from "../src/format.ts";
import { path, text } from "../src/kinds.ts";
import { errnoOf, fileFailure } from "../src/system-errors.ts";
import {
  type Context,
  defineTask,
  done,
  flag,
  oneAttempt,
  operand,
  option,
  repeated,
  type Result,
  unchanged,
  type Values,
} from "../src/task.ts";

const fields = {
  content: option(text, "what is to be in the file; with neither content nor from it is empty"),
  from: repeated(path, "file whose content it is; more of them are joined in order"),
  append: flag("add to the end of the file, where it does not end so already"),
  base64: flag("content is Base64 (RFC 4648)"),
  owner: option(owner, "owner of the file, instead of the user that initkit runs as"),
  mode: option(mode, "mode of the file, octal or symbolic"),
  "no-overwrite": flag("leave the file alone where it is there already"),
};
type Arguments = Values<typeof fields> & { readonly file: string };

export default defineTask({
  name: "write",
  summary: "Writes a file, in one step and only where it differs.",
  operands: { file: operand(path, "file to write") },
  options: fields,
  pacing: oneAttempt,
  timeoutCode: "io",

  check({ file, content, from, append, base64, "no-overwrite": noOverwrite }) {
    if (file.endsWith("/"))
      throw new Error(`${quote(file)} ends in a slash, as a folder does; name the file`);
    if (content !== undefined && from.length > 0)
      throw new Error("content and from are both given; give one");
    if (append && noOverwrite) throw new Error("append and no-overwrite contradict each other");
    if (!base64) return;
    if (content === undefined) throw new Error("base64 says how content is written, and there is none");
    if (!isBase64(content)) throw new Error("content is not Base64");
  },

  async run(context, args) {
    const place = resolve(args.file);
    await sweep(dirname(place), context.signal);
    const there = lookAt(place, args);
    if (there && !args.append && args.from.length > 1) checkSources(there, args.from);
    if (there && args["no-overwrite"]) return unchanged(`${quote(args.file)} is there already`);
    if (there?.isFile() && isWritten(place, there, args, context)) return settle(place, args);
    return await withParents(place, () =>
      withStaging(dirname(place), async (staging) => write(staging, place, there, args, context)),
    );
  },
});

const isBase64 = (content: string): boolean => /^[A-Za-z0-9+/]*={0,2}$/.test(content.replace(/\s+/g, ""));

/** What holds itself and more would grow with each run. */
function checkSources(there: Stats, sources: readonly string[]): void {
  const itself = sources.find((path) => isAt(path, there));
  if (itself === undefined) return;
  throw new Failure(
    "access",
    `${quote(itself)} is to be joined into itself, and so would grow with each run`,
    {
      hint: "write another file; or use append, which adds only what the file does not end with yet",
    },
  );
}

function isAt(path: string, { dev, ino }: Stats): boolean {
  try {
    const about = statSync(path);
    return about.dev === dev && about.ino === ino;
  } catch {
    // Reading it tells why.
    return false;
  }
}

function lookAt(place: string, { append }: Arguments): Stats | undefined {
  try {
    const there = look(place);
    if (there && !(append ? there.isFile() : isReplaceable(there))) throw inTheWay(place, there);
    return there;
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(place)}`, error);
  }
}

function inTheWay(place: string, there: Stats): Failure {
  const what = there.isDirectory()
    ? "a folder"
    : there.isSymbolicLink()
      ? "a symbolic link"
      : describeSpecial(there);
  return new Failure("access", `cannot write ${quote(place)}: it is ${what}`, { hint: "name another file" });
}

/** Whether the file is so already, where that can be told without writing anything. */
function isWritten(place: string, { size }: Stats, args: Arguments, { signal }: Context): boolean {
  const parts = partsOf(args);
  const wanted = sizeOf(parts);
  if (wanted === undefined || (args.append ? size < wanted : size !== wanted)) return false;
  return compared(place, () => holdsContent(place, bytesOf(parts, signal), size - wanted));
}

/** What may not be read is taken for different, for it can be replaced all the same. */
function compared(place: string, compare: () => boolean): boolean {
  try {
    return compare();
  } catch (error) {
    if (errnoOf(error) === "EACCES") return false;
    throw fileFailure(`cannot read ${quote(place)}`, error);
  }
}

/** The content is there; owner and mode may not be. */
function settle(place: string, args: Arguments): Result {
  const isChanged = setTraits(place, resolveOwner(args.owner ?? {}), args.mode);
  return isChanged ? done("its owner and mode are set") : unchanged(`${quote(args.file)} is so already`);
}

/** @param staging a private folder on the same volume */
function write(
  staging: string,
  place: string,
  there: Stats | undefined,
  args: Arguments,
  { signal }: Context,
): Result {
  const wanted = join(staging, "wanted");
  assemble(wanted, partsOf(args), signal);
  const isSame = () => sameContent(place, wanted, { onlyEnd: args.append });
  if (there?.isFile() && compared(place, isSame)) return settle(place, args);
  const file = args.append && there ? extended(place, there, wanted, staging, signal) : wanted;
  setTraits(file, resolveOwner(args.owner ?? {}), args.mode);
  signal.throwIfAborted();
  publishFile(file, place);
  return done(`${quote(args.file)} is written (${formatBytes(look(place)?.size ?? 0)})`);
}

function partsOf({ content, from, base64 }: Arguments): Part[] {
  if (content !== undefined) return [Buffer.from(content, base64 ? "base64" : "utf8")];
  return from.map((each) => ({ path: each }));
}

/** What is there with the addition behind it, and with its owner and mode. */
function extended(
  place: string,
  there: Stats,
  addition: string,
  staging: string,
  signal: AbortSignal,
): string {
  const whole = join(staging, "whole");
  assemble(whole, [{ path: place }, { path: addition }], signal);
  keepTraits(whole, there, place);
  return whole;
}
