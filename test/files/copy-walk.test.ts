import assert from "node:assert/strict";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { planCopy } from "../../src/files/copy-plan.ts";
import { CopyProgress } from "../../src/files/copy-progress.ts";
import { AnyDifference } from "../../src/files/copy-sink.ts";
import { CopyWalk } from "../../src/files/copy-walk.ts";
import { temporary } from "../helpers/temporary.ts";

const silent = { debug() {}, info() {}, warn() {}, progress() {} };
const options = {
  include: [],
  exclude: [],
  noOverwrite: false,
  keepLinks: false,
  mode: undefined,
  ids: {},
  keepsModes: true,
  above: new Set<string>(),
};

/** Removes the other files of the source as soon as it gets the first one. */
class Remover extends AnyDifference {
  readonly #remove: () => void;

  constructor(remove: () => void) {
    super();
    this.#remove = remove;
  }

  override async addFile(): Promise<void> {
    this.#remove();
  }
}

test("a source that vanishes while it is copied is 24, and no half copy", async (t) => {
  const folder = temporary(t);
  const from = join(folder, "from");
  mkdirSync(from);
  const names = ["a", "b"].map((name) => join(from, name));
  for (const path of names) writeFileSync(path, "x");
  const sink = new Remover(() => names.forEach((path) => rmSync(path, { force: true })));
  const progress = new CopyProgress({ log: silent, signal: new AbortController().signal });
  const walk = new CopyWalk(planCopy(names, join(folder, "to")), options, sink, progress);
  await assert.rejects(
    walk.run(),
    (error) => error instanceof Failure && error.exitCode === 24 && /no such file/.test(error.message),
  );
});

test("the walk ends at the first difference where no more is asked for", async (t) => {
  const folder = temporary(t);
  const names = Array.from({ length: 10 }, (_, index) => join(folder, `f${index}`));
  for (const path of names) writeFileSync(path, "x");
  const progress = new CopyProgress({ log: silent, signal: new AbortController().signal });
  const sink = new AnyDifference();
  await new CopyWalk(planCopy(names, join(folder, "to")), options, sink, progress).run();
  assert.ok(sink.isFull);
  assert.equal(progress.files, 1);
});
