import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { download } from "../../src/download/download.ts";
import type { DownloadArguments } from "../../src/download/options.ts";
import { Failure } from "../../src/failure.ts";
import type { Context, Result } from "../../src/task.ts";
import { tar } from "../helpers/archives.ts";
import { type FakeRegistry, manifestOf, startFakeRegistry } from "../helpers/fake-registry.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const first = gzipSync(tar({ name: "both", content: "first" }, { name: "one", content: "1" }));
const second = tar({ name: "both", content: "second" }, { name: "two", content: "2" });

const noLog = { debug() {}, info() {}, warn() {}, progress() {} };

/** One attempt of the task. */
async function attempt(url: URL, to: string, given: Partial<DownloadArguments> = {}): Promise<Result> {
  const args = {
    urls: [url],
    to,
    header: [],
    include: [],
    exclude: [],
    insecure: false,
    "no-redirects": false,
    stall: 5000,
    force: false,
    extract: "auto",
    "max-extracted": 1e9,
    "max-entries": 1000,
    ...given,
  } as unknown as DownloadArguments;
  const context = { env: { DOCKER_CONFIG: "/nowhere" }, signal: new AbortController().signal, log: noLog };
  return await download(args, context as unknown as Context);
}

async function failureOf(doing: Promise<unknown>): Promise<Failure> {
  const failure = await doing.then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  return failure;
}

async function layered(t: TestContext): Promise<{ home: string; dest: string; registry: FakeRegistry }> {
  const registry = await startFakeRegistry();
  t.after(() => registry[Symbol.asyncDispose]());
  registry.put(manifestOf(registry.blob(first), registry.blob(second)), "v1");
  const home = temporary(t);
  return { home, dest: join(home, "dest"), registry };
}

const blobsAsked = ({ seen }: FakeRegistry): string[] =>
  seen.flatMap(({ url }) => /blobs\/sha256:(.*)/.exec(url!)?.[1] ?? []);

test("a source of several archives is extracted in order", async (t) => {
  const { home, dest, registry } = await layered(t);
  const { status, report } = (await attempt(registry.url(":v1"), dest)) as Result & { report: any };
  assert.equal(status, "done");
  assert.deepEqual(
    ["both", "one", "two"].map((name) => readFileSync(join(dest, name), "utf8")),
    ["second", "1", "2"],
  );
  assert.equal(report.source, `oci://${registry.host}/team/app:v1`);
  assert.deepEqual(debris(home), []);
});

test("a second run fetches none of them again, unless something is missing", async (t) => {
  const { dest, registry } = await layered(t);
  await attempt(registry.url(":v1"), dest);
  const before = snapshot(dest);
  assert.equal((await attempt(registry.url(":v1"), dest)).status, "unchanged");
  assert.equal(blobsAsked(registry).length, 2);
  rmSync(join(dest, "one"));
  assert.equal((await attempt(registry.url(":v1"), dest)).status, "done");
  assert.deepEqual(snapshot(dest), before);
});

test("nothing is visible before all of them are there and right", async (t) => {
  const { home, dest, registry } = await layered(t);
  registry.blobs.set(`sha256:${sha(second)}`, Buffer.alloc(second.length));
  assert.equal((await failureOf(attempt(registry.url(":v1"), dest))).code, "integrity");
  assert.deepEqual(readdirSync(home), []);
});

test("those that have come whole are not fetched again where a later one breaks off", async (t) => {
  const { home, dest, registry } = await layered(t);
  registry.intercept = ({ url }, response) => {
    if (url!.endsWith(sha(second))) response.writeHead(503).end();
    return url!.endsWith(sha(second));
  };
  assert.equal((await failureOf(attempt(registry.url(":v1"), dest))).code, "source-unavailable");
  assert.ok(!existsSync(dest));
  registry.intercept = () => false;
  assert.equal((await attempt(registry.url(":v1"), dest)).status, "done");
  assert.equal(blobsAsked(registry).filter((digest) => digest === sha(first)).length, 1);
  assert.deepEqual(debris(home), []);
});

test("several files make no one file, and have no one digest", async (t) => {
  const { home, dest, registry } = await layered(t);
  const asFile = await failureOf(attempt(registry.url(":v1"), dest, { extract: undefined as never }));
  assert.deepEqual([asFile.code, asFile.permanent], ["refused", true]);
  assert.match(asFile.hint!, /extract/);
  const digest = { algorithm: "sha256", hex: sha(first) } as const;
  assert.equal((await failureOf(attempt(registry.url(":v1"), dest, { sha256: digest }))).code, "refused");
  assert.deepEqual(readdirSync(home), []);
});

test("max-size is for all of them together", async (t) => {
  const { dest, registry } = await layered(t);
  const limit = first.length + second.length;
  const failure = await failureOf(attempt(registry.url(":v1"), dest, { "max-size": limit - 1 }));
  assert.equal(failure.code, "integrity");
  assert.equal((await attempt(registry.url(":v1"), dest, { "max-size": limit })).status, "done");
});

test("a length that the source contradicts is no length to rely on", async (t) => {
  const { home, dest, registry } = await layered(t);
  registry.blobs.set(`sha256:${sha(second)}`, Buffer.concat([second, second]));
  const { code, kind } = await failureOf(attempt(registry.url(":v1"), dest));
  assert.deepEqual([code, kind], ["integrity", "length"]);
  assert.deepEqual(readdirSync(home), []);
});
