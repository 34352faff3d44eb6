import assert from "node:assert/strict";
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { describe, test, type TestContext } from "node:test";
import { Failure } from "../src/failure.ts";
import { install } from "../src/install/install.ts";
import { removeLeftovers } from "../src/install/leftovers.ts";
import { initkit } from "./helpers/initkit.ts";
import { killedAt } from "./helpers/killed-at.ts";
import { debris, snapshot } from "./helpers/snapshot.ts";
import { temporary } from "./helpers/temporary.ts";
import { changeTimesIn } from "./helpers/tree.ts";

describe("the command", () => {
  const outcomes = [
    { words: ["install", "/target"], message: /this is not the image/ },
    { words: ["check", "install", "/target"], message: /this is not the image/ },
    { words: ["install"], message: /needs dir/ },
    { words: ["install", "/target", "then", "sleep", "1"], message: /"then" is one operand too many/ },
    { words: ["sleep", "0", "then", "install", "/target"], message: /unknown task "install"/ },
  ];
  for (const { words, message } of outcomes) {
    test(`initkit ${words.join(" ")} is a configuration error outside the image`, async () => {
      const { exitCode, events } = await initkit(words);
      assert.equal(exitCode, 2);
      assert.match(events.at(-1)!["error"].message, message);
    });
  }

  test("a document cannot name it", async () => {
    const { exitCode, events } = await initkit(["-f", "-"], { input: "- install: /target" });
    assert.equal(exitCode, 2);
    assert.match(events.at(-1)!["error"].message, /install/);
  });

  for (const words of [
    ["help", "install"],
    ["install", "/target", "--help"],
  ]) {
    test(`initkit ${words.join(" ")} tells how it is used`, async () => {
      const { exitCode, stdout } = await initkit(words);
      assert.equal(exitCode, 0);
      assert.match(stdout, /initkit install DIR/);
    });
  }
});

type Files = Readonly<Record<string, string>>;

const oldVersion: Files = {
  "lib/libc.so": "libc 1",
  "lib/libold.so": "only in 1",
  "licenses/node": "MIT",
  "bin/dumb-init": "dumb-init 1",
  "bin/initkit": "#!/initkit/bin/dumb-init",
  "bin/runtime": "runtime 1",
};
const { "lib/libold.so": _, ...kept } = oldVersion;
const newVersion: Files = { ...kept, "lib/libc.so": "libc 2", "lib/new.so": "2", "bin/runtime": "runtime 2" };

/** A folder that holds what the image has in /initkit. */
function makeRoot(home: string, files: Files): string {
  const root = join(home, `image-${Math.random()}`);
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(join(root, dirname(path)), { recursive: true });
    writeFileSync(join(root, path), content);
    chmodSync(join(root, path), path.startsWith("bin/") ? 0o755 : 0o644);
  }
  return root;
}

const log = { debug() {}, info() {}, warn() {}, progress() {} };
const run = (root: string, folder: string, signal = new AbortController().signal) =>
  install(root, folder, { signal, log });

/** Content and mode by path. */
function filesIn(folder: string): Record<string, string> {
  const entries = Object.entries(snapshot(folder)).filter(([, about]) => about.startsWith("file"));
  return Object.fromEntries(entries.map(([path, about]) => [path, about.replace(/^(file \d+) \d+/, "$1")]));
}

function setUp(t: TestContext) {
  const home = temporary(t);
  const [before, after] = [makeRoot(home, oldVersion), makeRoot(home, newVersion)];
  return { home, before, after, folder: join(home, "volume") };
}

describe("the folder", () => {
  test("is made, holds every file with its mode, and is not touched the second time", async (t) => {
    const { before, folder } = setUp(t);
    assert.equal((await run(before, folder)).status, "done");
    assert.deepEqual(filesIn(folder), filesIn(before));
    const times = changeTimesIn(folder);
    assert.equal((await run(before, folder)).status, "unchanged");
    assert.deepEqual(changeTimesIn(folder), times);
    assert.deepEqual(debris(folder).toSorted(), ["bin/initkit"]);
  });

  test("can be entered by every user, whatever the umask of the run", async (t) => {
    const { before, folder } = setUp(t);
    const umask = process.umask(0o077);
    t.after(() => process.umask(umask));
    mkdirSync(folder);
    await run(before, folder);
    assert.equal(statSync(join(folder, "bin")).mode & 0o777, 0o755);
    assert.equal(statSync(join(folder, "bin/initkit")).mode & 0o777, 0o755);
  });

  test("gets what an older version lacks, loses what only that one had, and keeps what is somebody else's", async (t) => {
    const { before, after, folder } = setUp(t);
    await run(before, folder);
    writeFileSync(join(folder, "bin/mine"), "mine");
    writeFileSync(join(folder, "data"), "data");
    const { status, report } = await run(after, folder);
    assert.deepEqual({ status, report }, { status: "done", report: { copied: 3, removed: 1 } });
    const { "bin/mine": mine, data, ...others } = filesIn(folder);
    assert.deepEqual(others, filesIn(after));
    assert.ok(mine && data);
    assert.equal((await run(after, folder)).status, "unchanged");
  });

  test("keeps the inode of what has not changed, and a program that runs keeps its own", async (t) => {
    const { before, after, folder } = setUp(t);
    await run(before, folder);
    const entryPoint = lstatSync(join(folder, "bin/initkit")).ino;
    const running = openSync(join(folder, "bin/runtime"), "r");
    t.after(() => closeSync(running));
    await run(after, folder);
    assert.equal(readFileSync(running, "utf8"), "runtime 1");
    assert.equal(readFileSync(join(folder, "bin/runtime"), "utf8"), "runtime 2");
    assert.equal(lstatSync(join(folder, "bin/initkit")).ino, entryPoint);
  });

  test("is put right where a file was damaged at its full length, or lost a permission", async (t) => {
    const { before, folder } = setUp(t);
    await run(before, folder);
    writeFileSync(join(folder, "bin/runtime"), "runtime 0");
    chmodSync(join(folder, "bin/initkit"), 0o644);
    assert.deepEqual((await run(before, folder)).report, { copied: 2, removed: 0 });
    assert.deepEqual(filesIn(folder), filesIn(before));
  });

  test("is unchanged where the kubelet has given permissions to the group", async (t) => {
    const { before, folder } = setUp(t);
    await run(before, folder);
    chmodSync(join(folder, "bin/runtime"), 0o775);
    chmodSync(join(folder, "lib/libc.so"), 0o664);
    assert.equal((await run(before, folder)).status, "unchanged");
  });

  test("is complete after two runs at the same time", async (t) => {
    const { after, folder } = setUp(t);
    await Promise.all([run(after, folder), run(after, folder)]);
    assert.deepEqual(filesIn(folder), filesIn(after));
    assert.deepEqual(debris(folder), ["bin/initkit"]);
  });
});

describe("a run that cannot end well", () => {
  test("leaves nothing where it has made the folder", async (t) => {
    const { before, folder } = setUp(t);
    const ended = new Failure("signal", "ended by SIGTERM", { signal: 15 });
    const controller = new AbortController();
    const progress = () => controller.abort(ended);
    const running = install(before, folder, { signal: controller.signal, log: { ...log, progress } });
    await assert.rejects(running, ended);
    assert.equal(existsSync(folder), false);
  });

  test("fails with 24 for a file in place of a folder, or a folder in place of a file", async (t) => {
    const { before, home } = setUp(t);
    const [one, two] = [join(home, "one"), join(home, "two")];
    mkdirSync(one);
    writeFileSync(join(one, "bin"), "");
    mkdirSync(join(two, "bin/runtime"), { recursive: true });
    for (const folder of [one, two]) await assert.rejects(run(before, folder), { exitCode: 24 });
    await assert.rejects(run(before, join(one, "bin")), { exitCode: 24 });
  });

  test("fails with 24 for a link in place of a folder, and changes nothing where it leads", async (t) => {
    const { before, folder, home } = setUp(t);
    mkdirSync(join(home, "outside"));
    mkdirSync(folder);
    symlinkSync(join(home, "outside"), join(folder, "bin"));
    await assert.rejects(run(before, folder), { exitCode: 24 });
    assert.deepEqual(snapshot(join(home, "outside")), {});
  });
});

describe("leftovers", () => {
  test("are nothing outside the folder, whatever the record says", async (t) => {
    const { before, after, folder, home } = setUp(t);
    await run(before, folder);
    writeFileSync(join(home, "precious"), "");
    writeFileSync(join(folder, "data"), "");
    const files = ["../precious", "bin/../../precious", "bin/..", "bin", "data", "/etc/passwd", 7, null];
    writeFileSync(join(folder, ".install.initkit.json"), JSON.stringify({ version: 1, files }));
    assert.deepEqual((await run(after, folder)).report, { copied: 3, removed: 0 });
    assert.ok(existsSync(join(home, "precious")) && existsSync(join(folder, "data")));
  });

  for (const content of ["", "null", "[]", '{"version": 1}', '{"version": 2, "files": ["bin/initkit"]}']) {
    test(`are none where the record is ${JSON.stringify(content)}`, async (t) => {
      const { before, after, folder } = setUp(t);
      await run(before, folder);
      writeFileSync(join(folder, ".install.initkit.json"), content);
      assert.deepEqual((await run(after, folder)).report, { copied: 3, removed: 0 });
    });
  }

  test("are not followed out through a link that has taken the place of their folder", async (t) => {
    const { before, folder, home } = setUp(t);
    await run(before, folder);
    renameSync(join(folder, "lib"), join(home, "lib"));
    symlinkSync(join(home, "lib"), join(folder, "lib"));
    removeLeftovers(folder, ["lib/libold.so"]);
    assert.ok(existsSync(join(home, "lib/libold.so")));
  });
});

describe("a run that is killed at any moment", () => {
  const module = new URL("../src/install/install.ts", import.meta.url);
  const killed = (n: number, root: string, folder: string) =>
    killedAt(
      n,
      `const { install } = await import(${JSON.stringify(module)});
       const context = { signal: new AbortController().signal, log: { progress() {} } };
       await install(${JSON.stringify(root)}, ${JSON.stringify(folder)}, context);`,
    );

  test("leaves no program before all that it needs is there, and the next run completes it", async (t) => {
    const { after, folder } = setUp(t);
    for (let n = 0; await killed(n, after, folder); n++) {
      if (existsSync(join(folder, "bin/initkit"))) assert.deepEqual(finalFiles(folder), filesIn(after));
      await run(after, folder);
      assert.deepEqual(filesIn(folder), filesIn(after));
      assert.deepEqual(debris(folder), ["bin/initkit"]);
      rmSync(folder, { recursive: true });
    }
  });

  test("leaves each file of the old version or of the new one, and the next run completes it", async (t) => {
    const { before, after, folder } = setUp(t);
    const whole = new Set([before, after].flatMap((root) => Object.entries(filesIn(root)).map(String)));
    for (let n = 0; ; n++) {
      await run(before, folder);
      if (!(await killed(n, after, folder))) break;
      for (const file of Object.entries(finalFiles(folder))) assert.ok(whole.has(String(file)), file[0]);
      await run(after, folder);
      assert.deepEqual(filesIn(folder), filesIn(after));
      assert.deepEqual(debris(folder), ["bin/initkit"]);
      rmSync(folder, { recursive: true });
    }
  });

  /** Without what stands in a dot folder. */
  const finalFiles = (folder: string): Record<string, string> =>
    Object.fromEntries(Object.entries(filesIn(folder)).filter(([path]) => !path.startsWith(".")));
});
