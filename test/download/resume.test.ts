import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { type Answer, serve, type Source, tagOf } from "../helpers/fault-server.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { received } from "../helpers/received.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const size = 200_000;
const content = randomBytes(size);
const other = randomBytes(size);
const sha = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
const old = "Tue, 03 Mar 2026 10:00:00 GMT";

/** A place to download to, and a source that breaks off as it is told to. */
interface Scene {
  readonly home: string;
  readonly file: string;
  readonly source: Source;
  readonly server: FileServer;
  readonly run: (...options: string[]) => Promise<TaskRun>;
  /** Runs once, and the source breaks off at this byte. */
  readonly runCutAt: (cut: number, ...options: string[]) => Promise<void>;
  /** What the last request asked for. */
  readonly asked: () => { range: string | undefined; ifRange: string | undefined };
}

async function scene(t: TestContext, given: Partial<Source> = {}): Promise<Scene> {
  const home = temporary(t);
  const file = join(home, "file");
  const source: Source = { content, etag: tagOf(content), beforeCut: (at) => received(home, at), ...given };
  const server = await startFileServer((asked, response) => serve(source)(asked, response));
  t.after(() => server[Symbol.asyncDispose]());
  const run = (...options: string[]) =>
    runTask("download", [`${server.origin}/file`, file, "--retries", "0", ...options]);
  return {
    home,
    file,
    source,
    server,
    run,
    async runCutAt(cut, ...options) {
      source.cuts = [cut];
      assert.equal((await run(...options)).failure?.code, "source-unavailable");
    },
    asked() {
      const { range, "if-range": ifRange } = server.seen.at(-1)!.headers;
      return { range, ifRange: ifRange as string | undefined };
    },
  };
}

const parts = (home: string) => readdirSync(home).filter((name) => name.startsWith(".initkit-part-"));

for (const cut of [1, 4095, 65_536, 131_073, size - 1]) {
  test(`a download that was cut at byte ${cut} is carried on by the next run`, async (t) => {
    const { home, file, source, run, runCutAt, asked } = await scene(t);
    writeFileSync(file, "old");
    await runCutAt(cut);
    assert.equal(readFileSync(file, "utf8"), "old");
    assert.equal(parts(home).length, 1);
    assert.deepEqual(readdirSync(home).toSorted(), [...parts(home), "file"], "nothing else stays");
    assert.equal((await run()).status, "done");
    assert.deepEqual(asked(), { range: `bytes=${cut}-`, ifRange: source.etag });
    assert.ok(readFileSync(file).equals(content));
    assert.deepEqual(debris(home), []);
  });
}

test("a part that is left is nobody else's to read", async (t) => {
  const { home, runCutAt } = await scene(t);
  await runCutAt(5);
  assert.equal(statSync(join(home, parts(home)[0]!)).mode & 0o777, 0o700);
});

test("the retries of one run carry on too, and fetch no byte twice", async (t) => {
  const { home, file, server, source } = await scene(t, { cuts: [10, 70_000, 150_000] });
  const words = [`${server.origin}/file`, file, "--retries", "1", "--backoff", "1ms"];
  const { status, attempts } = await runTask("download", words);
  assert.deepEqual([status, attempts], ["done", 4], "progress gives the retries back");
  assert.deepEqual(
    server.seen.map(({ headers }) => headers.range),
    [undefined, "bytes=10-", "bytes=70000-", "bytes=150000-"],
  );
  assert.deepEqual(source.cuts, []);
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(debris(home), []);
});

for (const [what, given] of [
  ["without anything to know it again by", { etag: undefined }],
  ["that always sends all of it", { ignoresRange: true }],
] as const) {
  test(`a source ${what} that breaks off at the same place again and again is given up`, async (t) => {
    const { file, server } = await scene(t, { ...given, cuts: [70_000, 70_000, 70_000, 70_000] });
    const words = [`${server.origin}/file`, file, "--retries", "2", "--backoff", "1ms"];
    const { failure, attempts } = await runTask("download", words);
    assert.deepEqual([failure?.exitCode, attempts], [11, 3]);
  });
}

test("an archive is carried on and then extracted", async (t) => {
  const files = Array.from({ length: 50 }, (_, index) => ({
    name: `app/${index}`,
    content: randomBytes(2000),
  }));
  const archive = gzipSync(tar(...files));
  const { home, source, server, asked } = await scene(t, { content: archive, etag: '"1"', cuts: [50_000] });
  const words = [`${server.origin}/app.tgz`, join(home, "dest"), "--extract", "--retries", "0"];
  assert.equal((await runTask("download", words)).failure?.code, "source-unavailable");
  assert.deepEqual(readdirSync(home), parts(home));
  assert.equal((await runTask("download", words)).status, "done");
  assert.deepEqual(asked(), { range: "bytes=50000-", ifRange: source.etag });
  assert.equal(Object.keys(snapshot(join(home, "dest"))).length, 51);
  assert.deepEqual(debris(home), []);
});

test("a download that is told to end is carried on by the next run", async (t) => {
  const { home, file, source, server, run, asked } = await scene(t, { cuts: [90_000] });
  const controller = new AbortController();
  source.beforeCut = async (at) => {
    await received(home, at);
    controller.abort(new Error("stop"));
  };
  await runTask("download", [`${server.origin}/file`, file], { signal: controller.signal });
  assert.equal((await run()).status, "done");
  assert.equal(asked().range, "bytes=90000-");
  assert.ok(readFileSync(file).equals(content));
});

/** Sources that have something else of the same length by the time that the rest is asked for. */
const changes: Record<string, Partial<Source>> = {
  "says so": {},
  "ignores If-Range": { ignoresIfRange: true },
  "ignores If-Range and hides the ETag": {
    ignoresIfRange: true,
    spoil: ({ headers }) => delete headers["etag"],
  },
  "ignores Range": { ignoresRange: true },
  "has no ETag any more": { etag: undefined },
};

for (const [what, change] of Object.entries(changes)) {
  test(`of a source that has changed and ${what}, all is new`, async (t) => {
    const { home, file, source, run, runCutAt } = await scene(t);
    await runCutAt(100_000);
    Object.assign(source, { content: other, etag: tagOf(other), ...change });
    assert.equal((await run()).status, "done");
    assert.ok(readFileSync(file).equals(other));
    assert.deepEqual(debris(home), []);
  });
}

/** Answers to a request for the rest that contradict it. */
const lies: Record<string, (answer: Answer) => void> = {
  "begins elsewhere": (answer) => range(answer, `bytes 99999-${size - 1}/${size}`),
  "is of something longer": (answer) => range(answer, `bytes 100000-${size - 1}/${size + 1}`),
  "does not tell the whole length": (answer) => range(answer, `bytes 100000-${size - 1}/*`),
  "has a range that is none": (answer) => range(answer, "bytes 100000"),
  "counts in other units": (answer) => range(answer, `lines 100000-${size - 1}/${size}`),
  "ends before it begins": (answer) => range(answer, `bytes 100000-99999/${size}`),
  "tells no range": (answer) => delete answer.headers["content-range"],
  "sends several parts": (answer) => {
    delete answer.headers["content-range"];
    answer.headers["content-type"] = "multipart/byteranges; boundary=x";
  },
  "says that nothing is left": (answer) => {
    Object.assign(answer, { status: 416, from: 0, to: 0 });
    range(answer, `bytes */${size}`);
  },
  "says that nothing is left, and no more": (answer) => {
    Object.assign(answer, { status: 416, from: 0, to: 0 });
    delete answer.headers["content-range"];
  },
};

function range({ headers }: Answer, value: string): void {
  headers["content-range"] = value;
}

for (const [what, lie] of Object.entries(lies)) {
  test(`where an answer ${what}, all is fetched anew`, async (t) => {
    const { file, source, server, run, runCutAt } = await scene(t);
    await runCutAt(100_000);
    source.spoil = (answer, { headers }) => headers.range && lie(answer);
    assert.equal((await run()).status, "done");
    assert.ok(readFileSync(file).equals(content));
    assert.equal(server.seen.length, 3);
    assert.equal(server.seen[2]!.headers.range, undefined);
  });
}

test("an answer with less than the rest is carried on as well", async (t) => {
  const { file, source, server, runCutAt } = await scene(t);
  await runCutAt(100_000);
  source.spoil = (answer, { headers }) => {
    if (headers.range !== "bytes=100000-") return;
    answer.to = 120_000;
    range(answer, `bytes 100000-119999/${size}`);
  };
  const words = [`${server.origin}/file`, file, "--retries", "1", "--backoff", "1ms"];
  assert.equal((await runTask("download", words)).status, "done");
  assert.equal(server.seen.at(-1)!.headers.range, "bytes=120000-");
  assert.ok(readFileSync(file).equals(content));
});

test("where only the end of the answer is missing, nothing is fetched again", async (t) => {
  const { file, source, run, runCutAt, server } = await scene(t, { isChunked: true });
  await runCutAt(size);
  assert.equal((await run()).status, "done");
  assert.ok(readFileSync(file).equals(content));
  assert.equal(server.seen.length, 2);
  assert.equal((await run()).status, "unchanged", `the record knows ${source.etag}`);
});

/** What is no proof that a source is the same still. */
const doubtful: Record<string, Partial<Source>> = {
  "nothing to know it by": { etag: undefined },
  "a weak ETag": { etag: 'W/"1"' },
  "a weak ETag and an old date": { etag: 'W/"1"', lastModified: old },
  "a date that is too young": { etag: undefined, lastModified: new Date(Date.now() - 30_000).toUTCString() },
  "a date that is none": { etag: undefined, lastModified: "yesterday" },
};

for (const [what, given] of Object.entries(doubtful)) {
  test(`of a source with ${what}, no part stays`, async (t) => {
    const { home, file, run, runCutAt, asked } = await scene(t, given);
    await runCutAt(100_000);
    assert.deepEqual(readdirSync(home), []);
    assert.equal((await run()).status, "done");
    assert.deepEqual(asked(), { range: undefined, ifRange: undefined });
    assert.ok(readFileSync(file).equals(content));
  });

  test(`with a digest, a source with ${what} is carried on`, async (t) => {
    const { file, run, runCutAt, asked } = await scene(t, given);
    await runCutAt(100_000, "--sha256", sha(content));
    assert.equal((await run("--sha256", sha(content))).status, "done");
    assert.deepEqual(asked(), { range: "bytes=100000-", ifRange: undefined });
    assert.ok(readFileSync(file).equals(content));
  });
}

test("an old date without an ETag is proof enough", async (t) => {
  const { file, source, run, runCutAt, asked } = await scene(t, { etag: undefined, lastModified: old });
  await runCutAt(100_000);
  assert.equal((await run()).status, "done");
  assert.deepEqual(asked(), { range: "bytes=100000-", ifRange: old });
  rmSync(file);
  await runCutAt(100_000);
  Object.assign(source, { content: other, lastModified: "Wed, 04 Mar 2026 10:00:00 GMT" });
  assert.equal((await run()).status, "done");
  assert.ok(readFileSync(file).equals(other));
});

test("a part that the digest shows to be of something else costs one more download, no failure", async (t) => {
  const { home, file, source, server, run, runCutAt } = await scene(t, { content: other, etag: undefined });
  await runCutAt(100_000, "--sha256", sha(content));
  source.content = content;
  assert.equal((await run("--sha256", sha(content))).status, "done");
  assert.deepEqual(
    server.seen.map(({ headers }) => headers.range),
    [undefined, "bytes=100000-", undefined],
  );
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(debris(home), []);
});

test("a source that is wrong from beginning to end is a mismatch, and leaves no part", async (t) => {
  const { home, file, server, runCutAt } = await scene(t, { etag: undefined });
  await runCutAt(100_000, "--sha256", sha(other));
  const words = [`${server.origin}/file`, file, "--sha256", sha(other), "--retries", "5"];
  const { failure, attempts } = await runTask("download", words);
  assert.deepEqual([failure?.exitCode, attempts], [21, 1]);
  assert.equal(server.seen.length, 3);
  assert.deepEqual(readdirSync(home), []);
});

test("a part for one digest is no part for another", async (t) => {
  const { file, source, run, runCutAt, asked } = await scene(t, { etag: undefined });
  await runCutAt(100_000, "--sha256", sha(content));
  source.content = other;
  assert.equal((await run("--sha256", sha(other))).status, "done");
  assert.equal(asked().range, undefined);
  assert.ok(readFileSync(file).equals(other));
});

test("with a digest, another mirror carries on where the first one broke off", async (t) => {
  const { file, source, server } = await scene(t, { cuts: [100_000] });
  source.spoil = (answer, { url }) => void (answer.headers["etag"] = `"${url}"`);
  const words = [`${server.origin}/one`, `${server.origin}/two`, file, "--sha256", sha(content)];
  assert.equal((await runTask("download", words)).status, "done");
  assert.deepEqual(
    server.seen.map(({ url, headers }) => [url, headers.range, headers["if-range"]]),
    [
      ["/one", undefined, undefined],
      ["/two", "bytes=100000-", undefined],
    ],
  );
  assert.ok(readFileSync(file).equals(content));
});

test("without a digest, what one mirror sent is not mixed with what another sends", async (t) => {
  const { file, source, server } = await scene(t, { cuts: [100_000] });
  source.spoil = (_, { url }) => void (source.content = url === "/one" ? content : other);
  const words = [`${server.origin}/one`, `${server.origin}/two`, file];
  assert.equal((await runTask("download", words)).status, "done");
  assert.equal(server.seen[1]!.headers.range, undefined);
  assert.ok(readFileSync(file).equals(other));
});

test("what is asked for goes along with a redirect to another host, and no credentials do", async (t) => {
  const { file, source, server: elsewhere } = await scene(t, { cuts: [100_000] });
  await using server = await startFileServer(
    (_, response) => void response.writeHead(302, { location: `${elsewhere.origin}/file` }).end(),
  );
  const words = [`${server.origin}/file`, file, "--retries", "1", "--backoff", "1ms", "--bearer", "sesame"];
  assert.equal((await runTask("download", words)).status, "done");
  const { headers } = elsewhere.seen[1]!;
  assert.deepEqual(
    [headers.range, headers["if-range"], headers.authorization],
    ["bytes=100000-", source.etag, undefined],
  );
});

test("max-size counts what is there already", async (t) => {
  const { home, source, run, runCutAt } = await scene(t, { isChunked: true });
  await runCutAt(100_000);
  source.spoil = ({ headers }) => range({ headers } as Answer, `bytes 100000-${size - 1}/${size}`);
  const { failure } = await run("--max-size", "150000");
  assert.equal(failure?.exitCode, 21);
  assert.deepEqual(readdirSync(home), []);
});

for (const status of [404, 403, 410]) {
  test(`a status of ${status} leaves no part of an earlier time`, async (t) => {
    const { home, source, run, runCutAt } = await scene(t);
    await runCutAt(100_000);
    source.spoil = (answer) => void (answer.status = status);
    assert.equal((await run()).failure?.code, "refused");
    assert.deepEqual(readdirSync(home), []);
  });
}

test("a source that is away for a while costs no part", async (t) => {
  const { source, run, runCutAt, asked } = await scene(t);
  await runCutAt(100_000);
  source.spoil = (answer) => Object.assign(answer, { status: 503, from: 0, to: 0 });
  assert.equal((await run()).failure?.code, "source-unavailable");
  delete source.spoil;
  assert.equal((await run()).status, "done");
  assert.equal(asked().range, "bytes=100000-");
});

test("another URL for the same file takes nothing over, and leaves nothing of the other one", async (t) => {
  const { home, file, server, runCutAt, asked } = await scene(t);
  await runCutAt(100_000);
  assert.equal((await runTask("download", [`${server.origin}/file?v=2`, file])).status, "done");
  assert.equal(asked().range, undefined);
  assert.deepEqual(debris(home), []);
});

test("a run that finds the file there removes a part of it", async (t) => {
  const { home, file, run, runCutAt } = await scene(t);
  await run();
  await runCutAt(100_000, "--force");
  assert.equal(parts(home).length, 1);
  assert.equal((await run("--sha256", sha(content))).status, "unchanged");
  assert.deepEqual(debris(home), []);
  assert.ok(readFileSync(file).equals(content));
});

test("a part that nobody has come back for within a week is removed", async (t) => {
  const { home, server, runCutAt } = await scene(t);
  await runCutAt(100_000);
  const next = () => runTask("download", [`${server.origin}/file`, join(home, "next"), "--force"]);
  await next();
  assert.equal(parts(home).length, 1);
  const weekAgo = Date.now() / 1000 - 8 * 24 * 60 * 60;
  utimesSync(join(home, parts(home)[0]!), weekAgo, weekAgo);
  await next();
  assert.deepEqual(debris(home), []);
});

/** What somebody else might do to a part. */
const tampering: Record<string, (part: string, home: string) => void> = {
  "whose file is a link": (part, home) => {
    rmSync(join(part, "bytes"));
    symlinkSync(join(home, "sentinel"), join(part, "bytes"));
  },
  "whose file has another name too": (part, home) => {
    rmSync(join(part, "bytes"));
    linkSync(join(home, "sentinel"), join(part, "bytes"));
  },
  "that is a link": (part, home) => {
    renameSync(part, join(home, "elsewhere"));
    symlinkSync("elsewhere", part);
  },
  "that is a file": (part) => {
    rmSync(part, { recursive: true });
    writeFileSync(part, "");
  },
  "that has a folder for a file": (part) => {
    rmSync(join(part, "bytes"));
    mkdirSync(join(part, "bytes"));
  },
  "that is longer than the whole": (part) => writeFileSync(join(part, "bytes"), Buffer.alloc(size + 1)),
  "that does not say what it is of": (part) => writeFileSync(join(part, "about.json"), "{"),
  "of before the node was started": (part) => {
    const about = JSON.parse(readFileSync(join(part, "about.json"), "utf8"));
    writeFileSync(join(part, "about.json"), JSON.stringify({ ...about, boot: "another" }));
  },
};

for (const [what, tamper] of Object.entries(tampering)) {
  test(`a part ${what} is not used, and what it leads to is left alone`, async (t) => {
    const { home, file, run, runCutAt, asked } = await scene(t);
    writeFileSync(join(home, "sentinel"), "precious");
    await runCutAt(100_000);
    tamper(join(home, parts(home)[0]!), home);
    assert.equal((await run()).status, "done");
    assert.equal(asked().range, undefined);
    assert.ok(readFileSync(file).equals(content));
    assert.equal(readFileSync(join(home, "sentinel"), "utf8"), "precious");
  });
}

test("of two runs at the same time one carries on, and both end well", async (t) => {
  const { home, file, source, server, run, runCutAt } = await scene(t);
  await runCutAt(100_000);
  source.drip = { ms: 5, bytes: 20_000 };
  const runs = await Promise.all([run(), run("--force")]);
  assert.deepEqual(
    runs.map(({ status }) => status),
    ["done", "done"],
  );
  assert.deepEqual(
    server.seen
      .slice(1)
      .map(({ headers }) => headers.range ?? "all")
      .toSorted(),
    ["all", "bytes=100000-"],
  );
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(debris(home), []);
});

test("two runs that fail at the same time leave one part, which is good", async (t) => {
  const { home, file, source, run } = await scene(t, { cuts: [60_000, 60_000] });
  source.drip = { ms: 5, bytes: 20_000 };
  await Promise.all([run(), run()]);
  assert.equal(parts(home).length, 1);
  assert.equal((await run()).status, "done");
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(debris(home), []);
});
