import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Worker } from "node:worker_threads";
import { sweep, withStaging } from "../../src/files/staging.ts";
import { temporary } from "../helpers/temporary.ts";

const { signal } = new AbortController();
const module = join(import.meta.dirname, "../../src/files/staging.ts");

/** A process that holds a staging folder in `parent` until it is killed. */
async function holder(parent: string): Promise<ChildProcess> {
  const code = `
    const { withStaging } = await import(${JSON.stringify(module)});
    await withStaging(${JSON.stringify(parent)}, (folder) => new Promise(() => { console.log(folder); setInterval(() => {}, 1e6); }));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(child.stdout!, "data");
  return child;
}

/** A folder as a run in another container leaves it, silent for so many seconds. */
function foreign(parent: string, seconds: number): string {
  const folder = join(parent, ".initkit-0123456789ab-1-12345-89abcdef");
  mkdirSync(folder);
  writeFileSync(join(folder, "download-0"), "half");
  const time = Date.now() / 1000 - seconds;
  utimesSync(folder, time, time);
  return folder;
}

test("a staging folder is its user's alone, and gone at the end with all in it", async (t) => {
  const parent = temporary(t);
  const answer = await withStaging(parent, async (folder) => {
    assert.equal(statSync(folder).mode & 0o777, 0o700);
    mkdirSync(join(folder, "tree/closed"), { recursive: true });
    writeFileSync(join(folder, "tree/closed/file"), "x");
    symlinkSync("/", join(folder, "tree/link"));
    chmodSync(join(folder, "tree/closed"), 0);
    return "answer";
  });
  assert.equal(answer, "answer");
  assert.deepEqual(readdirSync(parent), []);
});

test("a staging folder is gone when its use fails", async (t) => {
  const parent = temporary(t);
  const use = withStaging(parent, (folder) => {
    writeFileSync(join(folder, "part"), "x");
    return Promise.reject(new Error("use failed"));
  });
  await assert.rejects(use, /use failed/);
  assert.deepEqual(readdirSync(parent), []);
});

test("what a killed process has left is swept away, what a living one uses stays", async (t) => {
  const parent = temporary(t);
  const [dead, alive] = await Promise.all([holder(parent), holder(parent)]);
  t.after(() => alive.kill("SIGKILL"));
  dead.kill("SIGKILL");
  await once(dead, "exit");
  assert.equal(readdirSync(parent).length, 2);
  await sweep(parent, signal);
  const left = readdirSync(parent);
  assert.equal(left.length, 1);
  assert.match(left[0]!, new RegExp(`-${alive.pid}-`));
});

test("what a run in another container has left is swept away once that has gone silent", async (t) => {
  const parent = temporary(t);
  foreign(parent, 60);
  await sweep(parent, signal);
  assert.deepEqual(readdirSync(parent), []);
});

test("what a run in another container uses stays as long as it shows life", async (t) => {
  const parent = temporary(t);
  const folder = foreign(parent, 5);
  const life = setTimeout(() => {
    mkdirSync(join(folder, "alive"));
    rmdirSync(join(folder, "alive"));
  }, 100);
  t.after(() => clearTimeout(life));
  await sweep(parent, signal);
  assert.ok(existsSync(join(folder, "download-0")));
});

test("waiting for a sign of life ends with the step", async (t) => {
  const parent = temporary(t);
  foreign(parent, 0);
  const controller = new AbortController();
  const swept = sweep(parent, controller.signal);
  controller.abort(new Error("stop"));
  await assert.rejects(swept, /stop/);
});

test("a staging folder shows life as long as it is used", async (t) => {
  const parent = temporary(t);
  await withStaging(parent, async (folder) => {
    const old = Date.now() / 1000 - 100;
    utimesSync(folder, old, old);
    for (let tries = 0; tries < 100 && statSync(folder).mtimeMs < Date.now() - 50_000; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.ok(statSync(folder).mtimeMs > Date.now() - 50_000);
  });
});

test("a link, a file or a folder of a like name is nobody's debris", async (t) => {
  const [parent, elsewhere] = [temporary(t), temporary(t)];
  writeFileSync(join(elsewhere, "precious"), "x");
  symlinkSync(elsewhere, join(parent, ".initkit-0123456789ab-1-1-00000000"));
  writeFileSync(join(parent, ".initkit-0123456789ab-1-1-00000001"), "x");
  mkdirSync(join(parent, ".initkit-mine"));
  await sweep(parent, signal);
  assert.equal(readdirSync(parent).length, 3);
  assert.ok(existsSync(join(elsewhere, "precious")));
});

test("nothing is swept through a link that somebody swaps in meanwhile", async (t) => {
  const parent = temporary(t);
  const names = Array.from({ length: 300 }, (_, index) => `f${index}`);
  const fill = (path: string) => {
    mkdirSync(path, { recursive: true });
    for (const name of names) writeFileSync(join(path, name), "");
  };
  const outside = join(temporary(t), "outside");
  fill(outside);
  for (let round = 0; round < 5; round++) {
    const folder = foreign(parent, 0);
    fill(join(folder, "nested/dir"));
    // They are removed between the look at the names and the one at the folder.
    for (const name of names) mkdirSync(join(folder, "nested", name));
    const past = Date.now() / 1000 - 60;
    utimesSync(folder, past, past);
    const swapper = new Worker(new URL("../helpers/swapper.ts", import.meta.url), {
      workerData: { folder: join(folder, "nested/dir"), target: outside },
    });
    swapper.on("error", () => {});
    await once(swapper, "message");
    await sweep(parent, signal);
    await swapper.terminate();
    rmSync(folder, { recursive: true, force: true });
    assert.equal(readdirSync(outside).length, names.length);
  }
});

test("sweeping where nothing is, or nothing can be read, is no failure", async (t) => {
  await sweep(join(temporary(t), "missing"), signal);
});

test("a folder that nothing can be written to is named", async (t) => {
  await assert.rejects(
    withStaging(join(temporary(t), "missing"), async () => {}),
    { code: "access" },
  );
});
