import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { callsOf, startDoomed } from "../helpers/killed-run.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

interface Scenario {
  prepare(home: string): void;
  words(home: string): readonly string[];
}

const scenarios: Record<string, Scenario> = {
  mkdir: {
    prepare() {},
    words: (home) => [join(home, "a/b/c"), join(home, "d"), "--mode", "2770"],
  },
  link: {
    prepare: (home) => symlinkSync("old", join(home, "link")),
    words: (home) => ["new", join(home, "link")],
  },
  write: {
    prepare() {},
    words: (home) => [join(home, "a/file"), "--content", "text", "--mode", "640", "--no-overwrite"],
  },
  remove: {
    prepare(home) {
      for (const folder of ["gone/x/y", "gone/z", "kept"]) {
        mkdirSync(join(home, folder), { recursive: true });
        writeFileSync(join(home, folder, "file"), "");
      }
    },
    words: (home) => [join(home, "go*")],
  },
};

const modesIn = (home: string): Record<string, string> =>
  Object.fromEntries(Object.entries(snapshot(home)).map(([name, what]) => [name, untimed(what)]));
const untimed = (what: string): string => what.replace(/^(file \S+) .*/, "$1");

for (const [task, scenario] of Object.entries(scenarios)) {
  test(`${task} killed before any of its system calls is made good by the next run`, async (t) => {
    const [cache, list, clean] = [temporary(t), join(temporary(t), "calls"), temporary(t)];
    scenario.prepare(clean);
    const calls = await callsOf([task, ...scenario.words(clean)], cache, list);
    assert.ok(calls.length > 0);
    for (const at of calls.keys()) {
      const home = temporary(t);
      scenario.prepare(home);
      const [, signal] = (await once(
        startDoomed([task, ...scenario.words(home)], cache, at),
        "exit",
      )) as unknown[];
      assert.equal(signal, "SIGKILL");
      assert.equal((await runTask(task, scenario.words(home))).failure, undefined);
      assert.deepEqual(modesIn(home), modesIn(clean));
      assert.deepEqual(debris(home), []);
    }
  });
}
