import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";
import { changeTimesIn, pathsIn } from "../helpers/tree.ts";

const isRoot = process.getuid!() === 0;
const env = { HOST: "db", DB_PASSWORD: "hunter2!", EMPTY: "" };

async function render(status: TaskRun["status"], ...words: string[]): Promise<TaskRun> {
  const run = await runTask("render", words, { env });
  assert.equal(run.status, status, String(run.failure?.message));
  return run;
}

/** Writes files, by their names, into a new folder. */
function files(folder: string, contents: Record<string, string | Buffer>): string {
  for (const [name, content] of Object.entries(contents)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

const textOf = (...names: string[]): string => readFileSync(join(...names), "utf8");

test("render fills in a file, makes its parents, and finds it done the second time", async (t) => {
  const folder = files(temporary(t), { tpl: "host=${HOST}\nport=${PORT:-5432}\nnone=${EMPTY}\n" });
  const out = join(folder, "a/b/app.conf");
  await render("done", join(folder, "tpl"), out);
  assert.equal(textOf(out), "host=db\nport=5432\nnone=\n");
  const before = changeTimesIn(folder);
  await render("unchanged", join(folder, "tpl"), out);
  assert.deepEqual(changeTimesIn(folder), before);
  writeFileSync(join(folder, "tpl"), "host=${HOST}\n");
  await render("done", join(folder, "tpl"), out);
  assert.equal(textOf(out), "host=db\n");
});

test("a destination that is a folder, or ends in a slash, gets the file under the template's name", async (t) => {
  const folder = files(temporary(t), { "app.conf.tmpl": "${HOST}", "there/x": "" });
  await render("done", join(folder, "app.conf.tmpl"), join(folder, "there"));
  await render("done", join(folder, "app.conf.tmpl"), `${folder}/new/`);
  assert.equal(textOf(folder, "there/app.conf.tmpl") + textOf(folder, "new/app.conf.tmpl"), "dbdb");
});

test("the template is left alone by the step's own interpolation, and a document names the destination to", async (t) => {
  const folder = files(temporary(t), { tpl: "$${HOST} ${HOST} @@A@@ __B__" });
  const step = {
    render: join(folder, "tpl"),
    to: join(folder, "out"),
    set: { "@@A@@": "${HOST}", __B__: 1 },
  };
  const run = await initkit([], { env: { ...env, INITKIT_STEPS: JSON.stringify([step]) } });
  assert.equal(run.exitCode, 0, run.stderr);
  assert.equal(textOf(folder, "out"), "${HOST} db db 1");
});

test("only and set choose what is replaced", async (t) => {
  const folder = files(temporary(t), { tpl: "${HOST} ${NONE} $uri ${x%y} @@P@@\n" });
  const [tpl, out] = [join(folder, "tpl"), join(folder, "out")];
  await render("done", tpl, out, "--only", "HOST", "--set", "@@P@@=${HOST}=1");
  assert.equal(textOf(out), "db ${NONE} $uri ${x%y} db=1\n");
});

test("undefined names are 24 and all listed with their places, and nothing at all is written", async (t) => {
  const folder = files(temporary(t), {
    "tpl/a.conf": "${HOST}\n${NO_HOST}",
    "tpl/sub/b.conf": "\n\n${NO_PORT} ${NO_HOST} ${HOST:?x}",
    "there/kept": "",
  });
  const before = changeTimesIn(folder);
  for (const place of ["out", "there", "new/sub"]) {
    const { failure } = await render("failed", join(folder, "tpl"), join(folder, place));
    assert.equal(failure?.exitCode, 24);
    for (const named of ["NO_HOST", "a.conf:2", "b.conf:3", "NO_PORT", "${HOST:?"])
      assert.ok(failure.message.includes(named), failure.message);
    assert.match(failure.message, /2 variables not set/);
    assert.ok(failure.hint);
  }
  assert.equal(
    (await render("failed", join(folder, "tpl/a.conf"), join(folder, "c/d"))).failure?.exitCode,
    24,
  );
  assert.deepEqual(changeTimesIn(folder), before);
});

test("what a variable holds is never told, though it may be rendered", async (t) => {
  const folder = files(temporary(t), { tpl: "${DB_PASSWORD} ${NONE}", ok: "${DB_PASSWORD}" });
  const failed = await initkit(["render", join(folder, "tpl"), join(folder, "out")], { env });
  const done = await initkit(["render", join(folder, "ok"), join(folder, "out")], { env });
  assert.deepEqual([failed.exitCode, done.exitCode], [24, 0]);
  assert.equal(textOf(folder, "out"), env.DB_PASSWORD);
  assert.ok(!(failed.stderr + done.stderr + JSON.stringify(done.report)).includes(env.DB_PASSWORD));
});

test("a ConfigMap's folder is rendered as files, without what the kubelet keeps beside them", async (t) => {
  const folder = files(temporary(t), {
    "cm/..2024/a.conf": "${HOST}",
    "cm/..2024/logo.png": Buffer.from([0x24, 0x7b, 0xff, 0, 0x80]),
    "cm/nested/..2024/b.conf": "b ${HOST}",
  });
  symlinkSync("..2024", join(folder, "cm/..data"));
  symlinkSync("..2024", join(folder, "cm/nested/..data"));
  for (const name of ["a.conf", "logo.png"]) symlinkSync(`..data/${name}`, join(folder, "cm", name));
  symlinkSync("..data/b.conf", join(folder, "cm/nested/b.conf"));
  const { report } = await render("done", join(folder, "cm"), join(folder, "out"));
  assert.deepEqual(pathsIn(join(folder, "out")), [".", "a.conf", "logo.png", "nested", "nested/b.conf"]);
  assert.ok(lstatSync(join(folder, "out/a.conf")).isFile());
  assert.equal(textOf(folder, "out/nested/b.conf"), "b db");
  assert.deepEqual(readFileSync(join(folder, "out/logo.png")), Buffer.from([0x24, 0x7b, 0xff, 0, 0x80]));
  assert.deepEqual({ files: report["files"], changed: report["changed"] }, { files: 3, changed: 3 });
});

test("in a folder only what differs is written, and what else is there stays", async (t) => {
  const folder = files(temporary(t), {
    "tpl/a": "${HOST}",
    "tpl/s/b": "b",
    "out/other": "x",
    "out/a": "old",
  });
  await render("done", join(folder, "tpl"), join(folder, "out"));
  const before = changeTimesIn(join(folder, "out"));
  writeFileSync(join(folder, "tpl/a"), "new ${HOST}");
  const { report } = await render("done", join(folder, "tpl"), join(folder, "out"));
  assert.equal(report["changed"], 1);
  const after = changeTimesIn(join(folder, "out"));
  assert.deepEqual([after["s/b"], after["other"]], [before["s/b"], before["other"]]);
  await render("unchanged", join(folder, "tpl"), join(folder, "out"));
  assert.deepEqual(changeTimesIn(join(folder, "out")), after);
});

test("mode is set before a file is visible, and put right later", async (t) => {
  const folder = files(temporary(t), { "tpl/a": "${DB_PASSWORD}" });
  const words = [join(folder, "tpl"), join(folder, "out"), "--mode", "0440"];
  await render("done", ...words);
  assert.equal(statSync(join(folder, "out/a")).mode & 0o7777, 0o440);
  await render("unchanged", ...words);
  chmodSync(join(folder, "out/a"), 0o644);
  await render("done", ...words);
  assert.equal(statSync(join(folder, "out/a")).mode & 0o7777, 0o440);
});

test("owner is given to the files and the new folders", { skip: !isRoot && "needs root" }, async (t) => {
  const folder = files(temporary(t), { "tpl/s/a": "", "out/x": "" });
  const words = [join(folder, "tpl"), join(folder, "out"), "--owner", "1234:2345"];
  await render("done", ...words);
  for (const [path, uid] of [
    ["out/s/a", 1234],
    ["out/s", 1234],
    ["out", 0],
  ] as const)
    assert.equal(statSync(join(folder, path)).uid, uid, path);
  chownSync(join(folder, "out/s/a"), 0, 2345);
  await render("done", ...words);
  await render("unchanged", ...words);
  await render("done", join(folder, "tpl/s/a"), join(folder, "p/q"), "--owner", "1234");
  assert.deepEqual([statSync(join(folder, "p")).uid, statSync(join(folder, "p/q")).uid], [0, 1234]);
});

test("no link at the destination is followed", async (t) => {
  const folder = files(temporary(t), { "tpl/s/a": "${HOST}", "tpl/b": "${HOST}", outside: "outside" });
  mkdirSync(join(folder, "elsewhere"));
  mkdirSync(join(folder, "out"));
  symlinkSync("../outside", join(folder, "out/b"));
  await render("done", join(folder, "tpl"), join(folder, "out"));
  assert.ok(lstatSync(join(folder, "out/b")).isFile());
  assert.equal(textOf(folder, "outside"), "outside");
  renameSync(join(folder, "out/s"), join(folder, "away"));
  symlinkSync("../elsewhere", join(folder, "out/s"));
  assert.equal((await render("failed", join(folder, "tpl"), join(folder, "out"))).failure?.exitCode, 24);
  assert.deepEqual(readdirSync(join(folder, "elsewhere")), []);
});

test("a template that is its own destination keeps owner and mode, and is unchanged afterwards", async (t) => {
  const folder = files(temporary(t), { a: "${HOST}\n", "s/b": "@X@ $${\n" });
  chmodSync(join(folder, "a"), 0o750);
  await render("done", join(folder, "a"), join(folder, "a"));
  assert.equal(textOf(folder, "a"), "db\n");
  assert.equal(statSync(join(folder, "a")).mode & 0o7777, 0o750);
  await render("unchanged", join(folder, "a"), join(folder, "a"));
  await render("done", folder, folder, "--set", "@X@=x");
  await render("unchanged", folder, folder, "--set", "@X@=x");
  assert.equal(textOf(folder, "s/b"), "x ${\n");
  assert.deepEqual(debris(folder), []);
});

test("a template whose result would be rendered again by the next run is refused in its own place", async (t) => {
  const folder = files(temporary(t), { a: "$${HOST}", b: "\n@X@" });
  for (const words of [["a"], ["b", "--set", "@X@=x@X@"]]) {
    const [name, ...options] = words as [string, ...string[]];
    const { failure } = await render("failed", join(folder, name), join(folder, name), ...options);
    assert.equal(failure?.exitCode, 24);
    await render("done", join(folder, name), join(folder, "out"), ...options);
    await render("unchanged", join(folder, name), join(folder, "out"), ...options);
  }
  assert.equal(textOf(folder, "a") + textOf(folder, "b"), "$${HOST}\n@X@");
});

test("results never become templates, and links that lead in circles are told", async (t) => {
  const folder = files(temporary(t), { "tpl/a": "a", "tpl/s/b": "b", "circle/a": "" });
  symlinkSync("..", join(folder, "circle/up"));
  symlinkSync("../circle", join(folder, "circle/self"));
  for (const [from, to] of [
    ["tpl", "tpl/s"],
    ["tpl", "tpl/new/sub"],
    ["circle", "out"],
  ] as const) {
    const { failure } = await render("failed", join(folder, from), join(folder, to));
    assert.equal(failure?.exitCode, 24, to);
  }
  assert.deepEqual(readdirSync(folder).toSorted(), ["circle", "tpl"]);
});

test("what cannot be rendered is 24 with a hint", async (t) => {
  const folder = files(temporary(t), { file: "${HOST}", "tpl/a": "", "folder/a/b": "" });
  symlinkSync("nowhere", join(folder, "dangling"));
  execFileSync("mkfifo", [join(folder, "fifo")]);
  execFileSync("truncate", ["-s", "65M", join(folder, "large")]);
  const place = (name: string) => join(folder, name);
  for (const [from, to] of [
    ["missing", "out"],
    ["dangling", "out"],
    ["fifo", "out"],
    ["large", "out"],
    ["file", "file/x"],
    ["tpl", "file"],
    ["tpl", "folder"],
  ] as const) {
    const { failure } = await render("failed", place(from), place(to));
    assert.equal(failure?.exitCode, 24, `${from} ${to}: ${failure?.message}`);
    assert.ok(failure.hint, `${from} ${to}`);
  }
  assert.ok(!existsSync(place("out")));
});

test("mistakes in only and set are configuration errors", async () => {
  for (const words of [
    ["--only", "$HOST"],
    ["--only", "A,B"],
    ["--set", "HOST"],
    ["--set", "=x"],
    ["--set", "@A@=1", "--set", "@A@=2"],
  ]) {
    assert.equal((await render("rejected", "/nowhere/a", "/nowhere/b", ...words)).failure?.exitCode, 2);
  }
});

test("a destination that may not be written is 24", { skip: isRoot && "root may" }, async (t) => {
  const folder = files(temporary(t), { tpl: "${HOST}", "closed/x": "db" });
  chmodSync(join(folder, "closed"), 0o500);
  const { failure } = await render("failed", join(folder, "tpl"), join(folder, "closed/y"));
  assert.equal(failure?.exitCode, 24);
  await render("unchanged", join(folder, "tpl"), join(folder, "closed/x"));
  chmodSync(join(folder, "closed"), 0o700);
});

test("one name of a file that has several is replaced, and the others keep the template", async (t) => {
  const folder = files(temporary(t), { tpl: "${HOST}" });
  linkSync(join(folder, "tpl"), join(folder, "out"));
  await render("done", join(folder, "tpl"), join(folder, "out"));
  assert.deepEqual([textOf(folder, "tpl"), textOf(folder, "out")], ["${HOST}", "db"]);
});

test("render killed at any moment is made good by the next one, and no reader sees half a file", async (t) => {
  const folder = temporary(t);
  const content = "0123456789${HOST}".repeat(100_000);
  const names = Array.from({ length: 8 }, (_, index) => `s${index % 3}/f${index}`);
  files(join(folder, "tpl"), Object.fromEntries(names.map((name) => [name, content])));
  const words = [join(folder, "tpl"), join(folder, "out")];
  const wholeSize = content.replaceAll("${HOST}", env.HOST).length;
  for (const delay of [80, 140, 200, 260]) {
    const child = spawn(process.execPath, [entry, "render", ...words], { stdio: "ignore", env });
    setTimeout(() => child.kill("SIGKILL"), delay);
    await once(child, "exit");
    for (const name of names) {
      const there = lstatSync(join(folder, "out", name), { throwIfNoEntry: false });
      assert.ok(!there || there.size === wholeSize);
    }
  }
  const { failure } = await runTask("render", words, { env });
  assert.equal(failure, undefined);
  for (const name of names) assert.equal(statSync(join(folder, "out", name)).size, wholeSize);
  assert.deepEqual(debris(folder), []);
  await render("unchanged", ...words);
});
