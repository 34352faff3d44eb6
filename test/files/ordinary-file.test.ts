import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { readTlsSettings } from "../../src/net/tls.ts";
import { Failure } from "../../src/failure.ts";
import { readOrdinary } from "../../src/files/ordinary-file.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";

/** A named pipe that nobody writes to. */
function pipeIn(t: TestContext, name: string): string {
  const path = join(temporary(t), name);
  execFileSync("mkfifo", [path]);
  return path;
}

test("an ordinary file is read whole, and so are the kernel's own", (t) => {
  const file = join(temporary(t), "file");
  writeFileSync(file, "text");
  assert.equal(readOrdinary(file).toString(), "text");
  assert.match(readOrdinary("/proc/self/status").toString(), /^Name:/);
});

test("no step waits for a named pipe that nobody writes to, or reads a device without end", async (t) => {
  const to = join(temporary(t), "to");
  for (const from of [pipeIn(t, "pipe"), "/dev/zero"]) {
    const { failure } = await runTask("write", [to, "--from", from]);
    assert.equal(failure?.code, "access");
    const tls = { ca: from, cert: undefined, key: undefined, "server-name": undefined, insecure: false };
    await assert.rejects(
      readTlsSettings(tls),
      (error) => error instanceof Failure && error.code === "configuration",
    );
  }
});

test("a named pipe among migrations is refused at once", async (t) => {
  const pipe = pipeIn(t, "1_users.sql");
  const { failure } = await runTask("migrate", [pipe, "--database", "postgres://127.0.0.1:1/none"]);
  assert.equal(failure?.code, "access");
});

test("a folder in the place of a file is told as one", async (t) => {
  const folder = temporary(t);
  mkdirSync(join(folder, "sub"));
  const { failure } = await runTask("write", [join(folder, "to"), "--from", join(folder, "sub")]);
  assert.match(failure!.message, /EISDIR/);
});
