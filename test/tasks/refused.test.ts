import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { tar } from "../helpers/archives.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

/** Somebody who may give nothing away. */
const isRoot = process.getuid!() === 0;
const user = isRoot ? 65534 : process.getuid!();

interface Place {
  readonly home: string;
  /** Where the step is to write; there are a file and a folder already. */
  readonly work: string;
  readonly file: string;
  readonly archive: string;
  readonly folder: string;
}

function place(t: TestContext): Place {
  const home = temporary(t);
  const [work, folder] = [join(home, "work"), join(home, "folder")];
  for (const each of [work, join(work, "there"), folder, join(folder, "there"), join(folder, "empty")])
    mkdirSync(each);
  const [file, archive] = [join(home, "file"), join(home, "a.tar")];
  writeFileSync(file, "text");
  writeFileSync(join(folder, "there/file"), "new");
  writeFileSync(
    archive,
    tar({ name: "there/", type: "5", mode: 0o700 }, { name: "there/file", content: "x" }),
  );
  for (const each of ["file", "there/file"]) writeFileSync(join(work, each), "text");
  for (const each of [home, work, join(work, "there")]) chmodSync(each, 0o777);
  return { home, work, file, archive, folder };
}

type Words = (place: Place) => readonly string[];

const steps: Record<string, Words> = {
  "mkdir of a new folder": ({ work }) => ["mkdir", join(work, "new")],
  "mkdir of several levels": ({ work }) => ["mkdir", join(work, "a/b/c")],
  "mkdir of several folders": ({ work }) => [
    "mkdir",
    join(work, "a"),
    join(work, "there"),
    join(work, "b/c"),
  ],
  "mkdir of a folder that is there": ({ work }) => ["mkdir", join(work, "there")],
  "copy of a file": ({ file, work }) => ["copy", file, join(work, "a/b")],
  "copy of a folder": ({ folder, work }) => ["copy", folder, join(work, "a/b")],
  "copy of a folder into one that is there": ({ folder, work }) => ["copy", folder, work],
  "write of a new file": ({ work }) => ["write", join(work, "a/b"), "--content", "x"],
  "write of a file that is there": ({ work }) => ["write", join(work, "file"), "--content", "x"],
  "write of a file that has the content": ({ work }) => ["write", join(work, "file"), "--content", "text"],
  "render of a file": ({ file, work }) => ["render", file, join(work, "a/b")],
  "render of a folder": ({ folder, work }) => ["render", folder, work],
  "extract to a new folder": ({ archive, work }) => ["extract", archive, join(work, "a/b")],
  "extract to a folder that is there": ({ archive, work }) => ["extract", archive, work],
  "download to a new folder": ({ file, work }) => ["download", pathToFileURL(file).href, join(work, "a/b/")],
  "download to a file that is there": ({ file, work }) => [
    "download",
    pathToFileURL(file).href,
    join(work, "file"),
    "--force",
  ],
  "download to extract": ({ archive, work }) => [
    "download",
    pathToFileURL(archive).href,
    join(work, "a/b"),
    "--extract",
  ],
};

test("a step for an owner that may not be set is 24, and leaves everything as it was", async (t) => {
  const at = place(t);
  const before = snapshot(at.home);
  const options = ["--owner", "1234:1234", "--mode", "0700", "--optional"];
  const words = Object.entries(steps).flatMap(([name, step]) => [
    "then",
    ...step(at),
    ...options,
    "--name",
    name,
  ]);
  const { exitCode, events, stderr } = await initkit(words.slice(1), { uid: user });
  assert.equal(exitCode, 0, stderr);
  const failed = events.filter(({ event }) => event === "step.failed");
  assert.deepEqual(
    failed.map(({ name, error }) => [name, error.exitCode]),
    Object.keys(steps).map((name) => [name, 24]),
  );
  for (const { error } of failed) assert.ok(error.hint);
  assert.deepEqual(snapshot(at.home), before);
  assert.deepEqual(debris(at.home), []);
});

test("a step that fails before it has made anything leaves no parents behind", async (t) => {
  const { home, work, file } = place(t);
  const before = snapshot(home);
  const long = join(work, "a/b", "x".repeat(256));
  for (const step of [
    ["mkdir", join(work, "new"), long],
    ["link", "x", long],
    ["link", "x".repeat(5000), join(work, "a/b/link")],
    ["write", long],
    ["copy", file, long],
    ["render", file, long],
  ] as const) {
    const { failure } = await runTask(step[0], step.slice(1));
    assert.equal(failure?.exitCode, 24, step[0]);
    assert.deepEqual(snapshot(home), before, step[0]);
  }
  assert.deepEqual(readdirSync(work).toSorted(), ["file", "there"]);
});

test(
  "root that may only give files away (CAP_CHOWN) can do that, with their mode, and finds it done",
  { skip: (!isRoot && "needs root") || (!hasSetpriv() && "needs setpriv of util-linux") },
  async (t) => {
    const at = place(t);
    const steps: Record<string, readonly string[]> = {
      mkdir: ["mkdir", join(at.work, "made")],
      write: ["write", join(at.work, "written"), "--content", "x"],
      copy: ["copy", at.folder, join(at.work, "copied")],
      "copy into": ["copy", at.folder, join(at.work, "there")],
      extract: ["extract", at.archive, join(at.work, "extracted")],
      render: ["render", at.file, join(at.work, "rendered/file")],
      permissions: ["permissions", at.folder],
    };
    const options = ["--owner", "1234:1234", "--mode", "u=rwX,g=rwX,o=rX"];
    const words = Object.values(steps).flatMap((step) => ["then", ...step, ...options]);
    for (const expected of ["done", "unchanged"]) {
      const { status, stderr } = spawnSync(
        "setpriv",
        ["--bounding-set=-all,+chown", "--inh-caps=-all", process.execPath, entry, ...words.slice(1)],
        { encoding: "utf8", env: { ...process.env, INITKIT_LOG_FORMAT: "json" } },
      );
      assert.equal(status, 0, stderr);
      const ends = stderr.split("\n").filter((line) => line.includes(`"event":"step.${expected}"`));
      assert.equal(ends.length, Object.keys(steps).length, stderr);
    }
    for (const name of [
      "made",
      "written",
      "copied/there/file",
      "copied/there",
      "extracted/there",
      "rendered/file",
    ]) {
      const { uid, gid, mode } = statSync(join(at.work, name));
      assert.deepEqual([uid, gid, mode & 0o666], [1234, 1234, 0o664], name);
    }
    assert.equal(statSync(join(at.work, "extracted/there")).mode & 0o777, 0o775);
    assert.deepEqual(debris(at.home), []);
  },
);

test(
  "a file of somebody else in a sticky folder keeps everything beside it from being written",
  { skip: !isRoot && "needs root to make somebody else's file" },
  async (t) => {
    const { home, work, folder } = place(t);
    writeFileSync(join(folder, "there/other"), "new");
    chmodSync(join(work, "there"), 0o1777);
    const before = snapshot(home);
    for (const task of ["copy", "render"]) {
      const { exitCode, events, stderr } = await initkit([task, folder, work], { uid: user });
      assert.equal(exitCode, 24, stderr);
      const { error } = events.find(({ event }) => event === "step.failed")!;
      assert.ok(error.message.includes(join(work, "there/file")), error.message);
      assert.deepEqual(snapshot(home), before);
    }
  },
);

test(
  "a file that is mounted is told as that, and is unchanged where it has the content",
  { skip: !isRoot && "only root may mount" },
  async (t) => {
    const { home, work, file } = place(t);
    const mounted = join(work, "file");
    execFileSync("mount", ["--bind", file, mounted]);
    try {
      assert.equal((await runTask("write", [mounted, "--content", "text"])).status, "unchanged");
      writeFileSync(join(home, "other"), "other");
      for (const step of [
        ["write", mounted, "--content", "x"],
        ["copy", join(home, "other"), mounted],
        ["render", join(home, "other"), mounted],
        ["download", pathToFileURL(join(home, "other")).href, mounted],
      ] as const) {
        const { failure } = await runTask(step[0], step.slice(1));
        assert.equal(failure?.exitCode, 24);
        assert.match(failure.message, /mounted/);
      }
    } finally {
      execFileSync("umount", [mounted]);
    }
    assert.equal(readFileSync(file, "utf8"), "text");
    assert.deepEqual(debris(home), []);
  },
);

function hasSetpriv(): boolean {
  return spawnSync("setpriv", ["--version"], { stdio: "ignore" }).status === 0;
}
