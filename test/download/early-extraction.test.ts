import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { setImmediate, setTimeout } from "node:timers/promises";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { tar, tarEntry, type TarEntry } from "../helpers/archives.ts";
import { serve, type Source, tagOf } from "../helpers/fault-server.ts";
import { manifestOf, startFakeRegistry } from "../helpers/fake-registry.ts";
import { startEndlessSource } from "../helpers/endless-source.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const first: TarEntry = { name: "first", content: randomBytes(300_000) };
const second: TarEntry = { name: "second", content: randomBytes(300_000) };
const plain = tar(first, second);
const half = Math.floor(plain.length / 2) + 100_000;

interface Place {
  readonly folder: string;
  readonly to: string;
}

function place(t: TestContext): Place {
  const folder = temporary(t);
  return { folder, to: join(folder, "to") };
}

const start = (source: Source): Promise<FileServer> => startFileServer(serve(source));

const fetch = (server: FileServer, { to }: Place, ...options: string[]) =>
  runTask("download", [`${server.origin}/app`, to, "--extract", "--backoff", "1ms", ...options]);

/** Whether a file is unpacked to its end in a private folder, with nothing to be seen at the destination. */
const isStaged = ({ folder, to }: Place, { name, content }: TarEntry): boolean =>
  !existsSync(to) &&
  readdirSync(folder)
    .map((staging) => join(folder, staging, "tree", String(name)))
    .some((path) => existsSync(path) && readFileSync(path).equals(content as Buffer));

for (const [format, content] of Object.entries({
  tar: plain,
  "tar.gz": gzipSync(plain),
  "tar.zst": zstdCompressSync(plain),
})) {
  test(`a ${format} is unpacked while it still comes, and is to be seen only when all of it is there`, async (t) => {
    const where = place(t);
    let wasStaged = false;
    const source: Source = { content, etag: tagOf(content), cuts: [Math.ceil(content.length * 0.7)] };
    source.beforeCut = async () => {
      while (!isStaged(where, first)) await setImmediate();
      wasStaged = true;
    };
    await using server = await start(source);
    const { status, attempts } = await fetch(server, where, "--sha256", sha256(content));
    assert.equal(status, "done");
    assert.ok(wasStaged);
    assert.equal(attempts, 2);
    assert.deepEqual(readFileSync(join(where.to, "second")), second.content);
  });
}

test("an archive is unpacked while a fast source keeps sending", async (t) => {
  const where = place(t);
  const others = tarEntry({ name: "other", content: randomBytes(1024 * 1024) });
  await using source = await startEndlessSource(tarEntry(first), others);
  let [isOver, wasStaged] = [false, false];
  const run = runTask("download", [source.url, where.to, "--extract"]);
  void run.then(() => (isOver = true));
  while (!isOver && !wasStaged) {
    await setImmediate();
    wasStaged = isStaged(where, first);
  }
  source.end();
  assert.equal((await run).status, "done");
  assert.ok(wasStaged);
});

test("a source that changes in the middle is unpacked anew, and nothing of what it was is left", async (t) => {
  const where = place(t);
  const other = tar({ name: "other", content: randomBytes(400_000) });
  const source: Source = { content: plain, etag: tagOf(plain), cuts: [half] };
  source.beforeCut = async () => {
    while (!isStaged(where, first)) await setImmediate();
    Object.assign(source, { content: other, etag: tagOf(other) });
  };
  await using server = await start(source);
  assert.equal((await fetch(server, where)).status, "done");
  assert.deepEqual(
    readdirSync(where.to).filter((name) => !name.startsWith(".")),
    ["other"],
  );
});

test("the next mirror's archive takes the place of what one that fails has brought so far", async (t) => {
  const where = place(t);
  const other = tar({ name: "other", content: randomBytes(1000) });
  await using failing = await start({ content: plain, cuts: [half, half, half, half, half, half, half] });
  await using good = await start({ content: other });
  const words = [`${failing.origin}/app`, `${good.origin}/app`, where.to, "--extract", "--retries", "0"];
  assert.equal((await runTask("download", words)).status, "done");
  assert.deepEqual(
    readdirSync(where.to).filter((name) => !name.startsWith(".")),
    ["other"],
  );
});

const unsafe = [tarEntry({ name: "../out", content: "x" }), tarEntry(first), tarEntry(second)];

test("an unsafe archive ends the download before the rest of it has come", async (t) => {
  const where = place(t);
  const content = Buffer.concat(unsafe);
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  await using server = await startFileServer((_, response) => {
    response.on("close", close);
    response.writeHead(200, { "content-length": content.length }).write(content.subarray(0, half));
  });
  const { failure } = await fetch(server, where);
  await closed;
  assert.equal(failure?.exitCode, 21);
  assert.deepEqual(readdirSync(where.folder), []);
});

test("where a digest is given, bytes that are not the right ones are told, and not what they led to", async (t) => {
  const where = place(t);
  await using server = await start({ content: Buffer.concat(unsafe) });
  const { failure } = await fetch(server, where, "--sha256", sha256(plain));
  assert.equal(failure?.exitCode, 21);
  assert.equal(failure?.kind, "checksum");
  assert.deepEqual(readdirSync(where.folder), []);
});

test("where the digest is right, an unsafe archive is told as such", async (t) => {
  const where = place(t);
  const content = Buffer.concat(unsafe);
  await using server = await start({ content });
  const { failure } = await fetch(server, where, "--sha256", sha256(content));
  assert.equal(failure?.exitCode, 21);
  assert.match(failure!.message, /out/);
  assert.deepEqual(debris(where.folder), []);
});

test("a registry's digest counts too: where its bytes are not the right ones, the next mirror is asked", async (t) => {
  const where = place(t);
  const content = tar({ name: "other", content: randomBytes(1000) });
  await using registry = await startFakeRegistry();
  const layer = registry.blob(plain);
  registry.put(manifestOf(layer), "latest");
  const wrong = Buffer.alloc(plain.length, "no archive");
  registry.intercept = ({ url }, response) => {
    if (!url!.includes("/blobs/")) return false;
    response.writeHead(200, { "content-length": wrong.length }).write(wrong.subarray(0, half));
    // The rest comes when the beginning has been found to be no archive.
    void setTimeout(300).then(() => response.end(wrong.subarray(half)));
    return true;
  };
  await using good = await start({ content });
  const words = [registry.url(":latest").href, `${good.origin}/app`, where.to, "--extract"];
  const { failure } = await runTask("download", words);
  assert.equal(failure, undefined);
  assert.ok(existsSync(join(where.to, "other")));
});
