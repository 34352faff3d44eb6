import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, lstatSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { tar } from "../helpers/archives.ts";
import { initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const isRoot = process.getuid!() === 0;
const user = isRoot ? 65534 : process.getuid!();

/** Every task that writes a file, with what it writes and the place as the only things to say. */
function writersOf(t: TestContext): {
  home: string;
  writers: (to: string) => readonly (readonly string[])[];
} {
  const home = temporary(t);
  const [file, archive] = [join(home, "x"), join(home, "a.tar")];
  writeFileSync(file, "x");
  writeFileSync(archive, tar({ name: "x", content: "x" }));
  const writers = (to: string) => [
    ["write", to, "--content", "x"],
    ["copy", file, to],
    ["render", file, to],
    ["download", pathToFileURL(file).href, to],
    ["extract", archive, join(to, "..")],
    ["download", pathToFileURL(archive).href, join(to, ".."), "--extract"],
  ];
  return { home, writers };
}

async function assertRefused(words: readonly string[]): Promise<string> {
  const { failure, status } = await runTask(words[0]!, words.slice(1));
  assert.equal(failure?.exitCode, 24, `${words.join(" ")}: ${status} ${failure?.message}`);
  assert.ok(failure.hint);
  return failure.message;
}

test("a named pipe or a socket is never replaced by a file", async (t) => {
  const { home, writers } = writersOf(t);
  for (const folder of ["pipe", "socket"]) mkdirSync(join(home, folder));
  execFileSync("mkfifo", [join(home, "pipe/x")]);
  const server = createServer().listen(join(home, "socket/x"));
  t.after(() => server.close());
  await new Promise((resolve) => server.once("listening", resolve));
  for (const [folder, kind] of [
    ["pipe", /named pipe/],
    ["socket", /socket/],
  ] as const) {
    const place = join(home, folder, "x");
    const inode = lstatSync(place).ino;
    for (const words of writers(place)) assert.match(await assertRefused(words), kind);
    assert.equal(lstatSync(place).ino, inode);
  }
  assert.deepEqual(debris(home), []);
});

test("a place below a file, or below a link that leads nowhere, is told as what it is", async (t) => {
  const { home, writers } = writersOf(t);
  writeFileSync(join(home, "file"), "text");
  symlinkSync("nowhere", join(home, "dangling"));
  const before = snapshot(home);
  for (const parent of ["file", "dangling"]) {
    for (const words of [
      ...writers(join(home, parent, "x")),
      ["copy", home, join(home, parent, "x")],
      ["link", "x", join(home, parent, "x")],
      ["mkdir", join(home, parent, "x")],
    ]) {
      assert.ok((await assertRefused(words)).includes(join(home, parent)), words.join(" "));
    }
  }
  assert.deepEqual(snapshot(home), before);
});

test("a name that no file can have is 24, wherever it stands", async (t) => {
  const { home, writers } = writersOf(t);
  const before = snapshot(home);
  for (const name of ["y".repeat(256), `${"y".repeat(256)}/x`, "y/".repeat(3000) + "x"]) {
    const place = join(home, name);
    for (const words of writers(place).filter((each) => name.includes("/") || each.includes(place)))
      await assertRefused(words);
    await assertRefused(["mkdir", place]);
    for (const words of [
      ["write", join(home, "to"), "--from", place],
      ["copy", place, join(home, "to")],
      ["render", place, join(home, "to")],
      ["extract", place, join(home, "to")],
      ["permissions", place, "--mode", "0644"],
    ])
      await assertRefused(words);
    const { status } = await runTask("remove", [place]);
    assert.equal(status, "unchanged");
  }
  assert.deepEqual(snapshot(home), before);
});

test("a file that its user may not read is written all the same, and then found so", async (t) => {
  const { home, writers } = writersOf(t);
  mkdirSync(join(home, "to"));
  for (const folder of [home, join(home, "to")]) chmodSync(folder, 0o777);
  const place = join(home, "to/x");
  const steps = writers(place).flatMap((words) => [words, words].map((each) => [...each, "--mode", "0200"]));
  const { exitCode, stderr } = await initkit(
    steps.flatMap((words, index) => (index === 0 ? words : ["then", ...words])),
    { uid: user },
  );
  assert.equal(exitCode, 0, stderr);
  assert.equal(statSync(place).mode & 0o777, 0o200);
});

test("a file to read that this user may not read is 24", async (t) => {
  const home = temporary(t);
  const [closed, to] = [join(home, "closed"), join(home, "to")];
  writeFileSync(closed, "x", { mode: isRoot ? 0o600 : 0o000 });
  writeFileSync(to, "x");
  chmodSync(to, 0o666);
  chmodSync(home, 0o777);
  const before = snapshotOf(to);
  for (const words of [
    ["write", to, "--from", closed],
    ["copy", closed, to],
    ["render", closed, to],
  ]) {
    const { exitCode, stderr } = await initkit(words, { uid: user });
    assert.equal(exitCode, 24, stderr);
  }
  assert.equal(snapshotOf(to), before);
});

const snapshotOf = (file: string): string => {
  const { ino, mode, mtimeMs } = lstatSync(file);
  return [ino, mode, mtimeMs, readFileSync(file, "utf8")].join();
};
