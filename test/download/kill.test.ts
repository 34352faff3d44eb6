import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { serve, tagOf } from "../helpers/fault-server.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { entry } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const content = randomBytes(200_000);
const names = Array.from({ length: 200 }, (_, index) => `app/${index}`);
const archive = gzipSync(tar(...names.map((name) => ({ name, content: randomBytes(1000) }))));

/** About 100 ms for each of them. */
const drip = { ms: 5, bytes: 10_000 };
const kills = 10;

/** Each run asks by a name of its own, to be known by. */
const running = new Map<string, ChildProcess>();
const resumed: string[] = [];
let server: FileServer;

before(async () => {
  const answers = [content, archive].map((each) => serve({ content: each, etag: tagOf(each), drip }));
  server = await startFileServer((asked, response) => {
    const { pathname, search } = new URL(asked.url!, "http://host");
    const child = running.get(search);
    if (child) setTimeout(() => child.kill("SIGKILL"), Math.random() * 160);
    else if (asked.headers.range) resumed.push(asked.headers.range);
    answers[pathname === "/file" ? 0 : 1]!(asked, response);
  });
});
after(() => server[Symbol.asyncDispose]());

/** Runs the real entry point until it is killed, at some instant after its first request. */
async function runKilled(id: string, words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [entry, "download", ...words], { stdio: "ignore" });
  running.set(id, child);
  await once(child, "exit");
  running.delete(id);
}

describe(
  "a download that is killed at any instant ends in the same tree with the next run",
  { concurrency: 3 },
  () => {
    test("as a file", async (t) => {
      for (let round = 0; round < kills; round++) {
        const home = temporary(t);
        const words = [`${server.origin}/file?file-${round}`, join(home, "file")];
        await runKilled(`?file-${round}`, words);
        assert.equal((await runTask("download", words)).failure, undefined);
        assert.ok(readFileSync(join(home, "file")).equals(content));
        assert.deepEqual(debris(home), []);
      }
    });

    for (const isThere of [true, false]) {
      test(`as an archive, into a folder that is ${isThere ? "" : "not "}there`, async (t) => {
        const wanted = temporary(t);
        await runTask("download", [`${server.origin}/app`, join(wanted, "dest"), "--extract"]);
        for (let round = 0; round < kills; round++) {
          const home = temporary(t);
          const id = `?${isThere}-${round}`;
          const words = [`${server.origin}/app${id}`, join(home, "dest"), "--extract"];
          if (isThere) mkdirSync(join(home, "dest"));
          await runKilled(id, words);
          assert.equal((await runTask("download", words)).failure, undefined);
          assert.deepEqual(snapshot(home), snapshot(wanted));
          assert.deepEqual(debris(home), []);
        }
      });
    }
  },
);

test("what a killed run had received is not fetched again", () => {
  assert.ok(resumed.length >= kills / 2, `${resumed.length} of ${3 * kills} were carried on`);
});
