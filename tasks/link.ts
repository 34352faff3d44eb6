import { readlinkSync, symlinkSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Failure } from "../src/failure.ts";
import { diskFailure } from "../src/files/disk.ts";
import { look } from "../src/files/look.ts";
import { withParents } from "../src/files/parents.ts";
import { publishFile } from "../src/files/publish.ts";
import { sweep, withStaging } from "../src/files/staging.ts";
import { quote } from "../src/format.ts";
import { path as pathKind } from "../src/kinds.ts";
import { fileFailure } from "../src/system-errors.ts";
import { defineTask, done, oneAttempt, operand, unchanged } from "../src/task.ts";

export default defineTask({
  name: "link",
  summary: "Makes a symbolic link, or turns one that is there.",
  operands: {
    target: operand(pathKind, "what the link says; it need not be there"),
    path: operand(pathKind, "where the link is to be", { named: true }),
  },
  options: {},
  pacing: oneAttempt,
  timeoutCode: "io",

  async run({ signal }, { target, path }) {
    const place = resolve(path);
    await sweep(dirname(place), signal);
    const there = linkAt(place);
    if (there === target) return unchanged(`${quote(path)} leads to ${quote(target)} already`);
    await withParents(place, () =>
      withStaging(dirname(place), async (staging) => {
        const link = join(staging, "link");
        makeLink(target, link);
        publishFile(link, place);
      }),
    );
    return done(`${quote(path)} leads to ${quote(target)}`);
  },
});

/** What the link at a path says, if one is there. @throws Failure `access` where something else is */
function linkAt(place: string): string | undefined {
  try {
    const about = look(place);
    if (!about) return undefined;
    if (about.isSymbolicLink()) return readlinkSync(place);
  } catch (error) {
    throw fileFailure(`cannot look at ${quote(place)}`, error);
  }
  throw new Failure("access", `${quote(place)} is there, and is no link`, {
    hint: "only a link is ever replaced by a link: remove what is there first, or name another path",
  });
}

function makeLink(target: string, link: string): void {
  try {
    symlinkSync(target, link);
  } catch (error) {
    throw diskFailure("cannot make the link", error, dirname(link));
  }
}
