import assert from "node:assert/strict";
import { mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { after, before, test } from "node:test";
import { runTask } from "../helpers/run-task.ts";
import { fails, ready } from "../helpers/wait.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "initkit-file-"));
});
after(() => rm(folder, { recursive: true }));

test("a file is ready as soon as it is there, a folder and a link to something too", async () => {
  const path = join(folder, "late");
  const waiting = runTask("wait-for", [`file:${path}`, "--timeout", "10s"], {
    env: {},
    onEvent: (event) => event === "attempt.failed" && void writeFile(path, ""),
  });
  assert.equal((await waiting).status, "done");
  await ready(`file://${folder}`);
  await symlink(path, join(folder, "link"));
  await ready(`file:${folder}/link`);
});

test("a file that is not there, and a link to nothing, are not ready", async () => {
  await symlink("nothing", join(folder, "broken"));
  for (const name of ["none", "broken", "none/below"]) {
    const { failure } = await fails("not-ready", `file:${join(folder, name)}`);
    assert.equal(failure.kind, "expectation:exists");
  }
});

test("absent is met by a file that is gone, not by a path that cannot be looked at", async () => {
  await ready("--absent", `file:${folder}/none`);
  await writeFile(join(folder, "there"), "");
  assert.equal((await fails("not-ready", "--absent", `file:${folder}/there`)).failure.kind, "present");
  assert.equal(
    (await fails("not-ready", "--absent", `file:${folder}/there/below`)).failure.kind,
    "file:ENOTDIR",
  );
});

test("a Unix socket is ready when somebody listens, and gone when it is not there", async () => {
  const path = join(folder, "app.sock");
  await ready("--absent", `unix:${path}`);
  const server = createServer(() => {}).listen(path);
  await once(server, "listening");
  await ready(`unix:${path}`);
  const closed = once(server, "close");
  server.close();
  await closed;
  const { failure } = await fails("not-ready", `unix:${path}`);
  assert.equal(failure.kind, "connect:ENOENT");
});
