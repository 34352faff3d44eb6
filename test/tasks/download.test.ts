import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import {
  chmodSync,
  closeSync,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  watch,
  writeFileSync,
  writeSync,
} from "node:fs";
import type { RequestListener, ServerResponse } from "node:http";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";
import { findVerified } from "../../src/download/file-record.ts";
import { tar } from "../helpers/archives.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { files, startFileServer } from "../helpers/file-server.ts";
import { entry, initkit } from "../helpers/initkit.ts";
import { runTask } from "../helpers/run-task.ts";
import { mountSmallVolume } from "../helpers/small-volume.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

const isRoot = process.getuid!() === 0;
const content = randomBytes(200_000);
const sha = (bytes: string | Buffer, algorithm = "sha256") =>
  createHash(algorithm).update(bytes).digest("hex");
const quick = ["--backoff", "1ms", "--retries", "2"];
const download = (...words: string[]) => runTask("download", words);

function place(t: TestContext): { home: string; file: string } {
  const home = temporary(t);
  return { home, file: join(home, "file") };
}

const archive = gzipSync(
  tar(
    { name: "app/", type: "5", mode: 0o755 },
    { name: "app/run", content: "run", mode: 0o755 },
    { name: "app/l", type: "2", link: "run" },
  ),
);
const extracted = { app: "folder 755", "app/run": "file 755 1700000000 run", "app/l": "link to run" };

test("download writes a file, with its missing parents", async (t) => {
  const { home } = place(t);
  await using server = await startFileServer(files({ "/a/file": content }));
  const file = join(home, "x/y/file");
  const { status, report } = await download(`${server.origin}/a/file?signature=secret`, file);
  assert.equal(status, "done");
  assert.ok(readFileSync(file).equals(content));
  assert.deepEqual(
    { bytes: report["bytes"], sha256: report["sha256"], source: report["source"] },
    { bytes: content.length, sha256: sha(content), source: `${server.origin}/a/file` },
  );
  assert.deepEqual(debris(home), []);
});

test("missing parents are taken away again when it fails", async (t) => {
  const { home } = place(t);
  await using server = await startFileServer(files({}));
  assert.equal((await download(`${server.origin}/missing`, join(home, "x/y/file"))).status, "failed");
  assert.deepEqual(readdirSync(home), []);
});

test("with a digest, a second run asks nobody", async (t) => {
  const { home, file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  const words = [`${server.origin}/file`, file, "--sha256", sha(content)];
  assert.equal((await download(...words)).status, "done");
  assert.equal((await download(...words)).status, "unchanged");
  assert.equal(server.seen.length, 1);
  assert.equal((await download(...words, "--force")).status, "done");
  assert.equal(server.seen.length, 2);
  assert.deepEqual(readdirSync(home), [".file.initkit.json", "file"]);
});

test("with a digest, a file is not read again before it was touched, nor believed afterwards", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  const wanted = [
    { algorithm: "sha256", hex: sha(content) },
    { algorithm: "sha512", hex: sha(content, "sha512") },
  ] as const;
  const words = [`${server.origin}/file`, file, "--checksum", `sha512:${wanted[1].hex}`];
  assert.equal((await download(...words)).status, "done");
  assert.ok(findVerified(file, wanted));
  assert.equal(
    findVerified(file, [{ algorithm: "sha512", hex: sha(Buffer.from("x"), "sha512") }]),
    undefined,
  );
  const { atime, mtime } = statSync(file);
  const descriptor = openSync(file, "r+");
  writeSync(descriptor, Buffer.alloc(1), 0, 1, 0);
  closeSync(descriptor);
  utimesSync(file, atime, mtime);
  assert.equal(findVerified(file, wanted), undefined, "its size and time can be set back");
  assert.equal((await download(...words)).status, "done");
  assert.ok(readFileSync(file).equals(content));
});

test("a file that was changed is fetched again", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  for (const options of [
    ["--sha256", sha(content)],
    ["--checksum", `sha512:${sha(content, "sha512")}`],
    [],
  ]) {
    rmSync(file, { force: true });
    await download(`${server.origin}/file`, file, ...options);
    writeFileSync(file, Buffer.alloc(content.length));
    assert.equal((await download(`${server.origin}/file`, file, ...options)).status, "done");
    assert.ok(readFileSync(file).equals(content));
  }
});

test("without a digest, a second run asks whether it has changed", async (t) => {
  const { file } = place(t);
  const contents: Record<string, string> = { "/file": "one" };
  await using server = await startFileServer(files(contents));
  const run = () => download(`${server.origin}/file`, file);
  assert.equal((await run()).status, "done");
  assert.equal((await run()).status, "unchanged");
  assert.ok(server.seen[1]!.headers["if-none-match"]);
  utimesSync(file, 5, 5);
  assert.equal((await run()).status, "unchanged", "another time is no other content");
  contents["/file"] = "two";
  assert.equal((await run()).status, "done");
  assert.equal(readFileSync(file, "utf8"), "two");
});

test("without an ETag, the time of the last change decides; without that, the content", async (t) => {
  const { file } = place(t);
  let dated = true;
  await using server = await startFileServer(({ headers }, response) => {
    if (dated && headers["if-modified-since"] === "Tue, 03 Mar 2026 10:00:00 GMT")
      response.writeHead(304).end();
    else
      response
        .writeHead(200, dated ? { "last-modified": "Tue, 03 Mar 2026 10:00:00 GMT" } : {})
        .end("content");
  });
  const run = async () => (await download(`${server.origin}/file`, file)).status;
  assert.deepEqual([await run(), await run()], ["done", "unchanged"]);
  dated = false;
  assert.equal(await run(), "unchanged");
});

test("another URL is another file, whatever the record says", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer((asked, response) => {
    if (asked.headers["if-none-match"]) response.writeHead(304).end();
    else response.writeHead(200, { etag: '"same"' }).end(asked.url);
  });
  for (const url of ["/one", "/two", "/two?x"]) {
    assert.equal((await download(server.origin + url, file)).status, "done");
    assert.equal(readFileSync(file, "utf8"), url);
  }
});

test("a folder takes the name of the URL", async (t) => {
  const { home } = place(t);
  mkdirSync(join(home, "there"));
  await using server = await startFileServer(files({ "/a/my%20file.txt": "x" }));
  for (const folder of ["there", "new/"]) {
    assert.equal(
      (
        await download(
          `${server.origin}/a/my%20file.txt?x=/y`,
          join(home, folder) + (folder.endsWith("/") ? "/" : ""),
        )
      ).status,
      "done",
    );
    assert.equal(readFileSync(join(home, folder, "my file.txt"), "utf8"), "x");
  }
});

for (const url of [
  "http://127.0.0.1:1/",
  "http://127.0.0.1:1/a/",
  "http://127.0.0.1:1/a%2f..%2fb",
  "http://127.0.0.1:1/%00",
]) {
  test(`a folder takes no name from ${url}`, async (t) => {
    const { home } = place(t);
    assert.equal((await download(url, `${home}/`)).failure?.exitCode, 2);
    assert.equal((await download(url, home)).failure?.exitCode, 2);
    assert.deepEqual(readdirSync(home), []);
  });
}

test("a folder or a device at the place of the file is left alone, a link is replaced", async (t) => {
  const { home, file } = place(t);
  await using server = await startFileServer(files({ "/folder": "x", "/link": "x" }));
  mkdirSync(join(home, "folder"));
  assert.equal((await download(`${server.origin}/folder`, home)).failure?.exitCode, 24);
  execFileSync("mkfifo", [file]);
  assert.equal((await download(`${server.origin}/link`, file)).failure?.exitCode, 24);
  writeFileSync(join(home, "sentinel"), "precious");
  symlinkSync("sentinel", join(home, "link"));
  assert.equal((await download(`${server.origin}/link`, join(home, "link"))).status, "done");
  assert.ok(lstatSync(join(home, "link")).isFile());
  assert.equal(readFileSync(join(home, "sentinel"), "utf8"), "precious");
});

for (const [status, code] of [
  [400, "refused"],
  [401, "refused"],
  [403, "refused"],
  [404, "refused"],
  [410, "refused"],
  [416, "refused"],
  [204, "refused"],
  [304, "refused"],
  [202, "source-unavailable"],
  [408, "source-unavailable"],
  [425, "source-unavailable"],
  [429, "source-unavailable"],
  [500, "source-unavailable"],
  [503, "source-unavailable"],
] as const) {
  test(`a status of ${status} is ${code}`, async (t) => {
    const { home, file } = place(t);
    writeFileSync(file, "old");
    await using server = await startFileServer((_, response) => void response.writeHead(status).end());
    const { failure, attempts } = await download(`${server.origin}/file`, file, ...quick);
    assert.equal(failure?.code, code);
    assert.equal(attempts, code === "refused" ? 1 : 3);
    assert.equal(readFileSync(file, "utf8"), "old");
    assert.deepEqual(debris(home), []);
  });
}

test("the pause that a server asks for is kept", async (t) => {
  const { file } = place(t);
  const answer: RequestListener = (_, response) => void response.writeHead(429, { "retry-after": "7" }).end();
  await using server = await startFileServer(answer);
  const { failure } = await download(`${server.origin}/file`, file, "--retries", "0");
  assert.equal(failure?.retryAfter, 7000);
});

/** Answers that break off, each in its own way. */
const broken: Record<string, (response: ServerResponse) => void> = {
  "cuts the connection": (response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
  },
  "cuts a chunked answer": (response) => {
    response.writeHead(200, { "transfer-encoding": "chunked" });
    response.write(content.subarray(0, 50_000), () => setTimeout(() => response.destroy(), 20));
  },
  "announces more than it sends": (response) => {
    response.writeHead(200, { "content-length": content.length + 1, connection: "close" });
    response.end(content, () => response.socket?.end());
  },
  "goes silent in the middle": (response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 50_000));
  },
  "never answers": () => {},
};

for (const [what, answer] of Object.entries(broken)) {
  test(`a server that ${what} is tried again, and leaves nothing behind`, async (t) => {
    const { home, file } = place(t);
    writeFileSync(file, "old");
    let isBroken = true;
    await using server = await startFileServer((_, response) =>
      isBroken ? answer(response) : void response.end(content),
    );
    const words = [`${server.origin}/file`, file, "--stall", "300ms", "--backoff", "1ms"];
    const { failure } = await download(...words, "--retries", "0");
    assert.equal(failure?.code, "source-unavailable");
    assert.equal(failure?.permanent, false);
    assert.equal(failure?.progressed, what !== "never answers");
    assert.equal(readFileSync(file, "utf8"), "old");
    assert.deepEqual(readdirSync(home), ["file"]);
    setTimeout(() => (isBroken = false), 500);
    assert.equal((await download(...words, "--retries", "unlimited")).status, "done");
    assert.ok(readFileSync(file).equals(content));
  });
}

test("a server that is not there is unavailable", async (t) => {
  const { file } = place(t);
  const { failure, attempts } = await download("http://127.0.0.1:1/file", file, ...quick);
  assert.equal(failure?.exitCode, 11);
  assert.equal(attempts, 3);
  assert.ok(!existsSync(file));
});

test("of several digests each must be right, whatever is there already", async (t) => {
  const { home, file } = place(t);
  const other = Buffer.from("other");
  const sums = `${sha(content)}  file\n`;
  await using server = await startFileServer(files({ "/file": content, "/SHA256SUMS": sums }));
  const with2 = (first: Buffer, second: string) =>
    download(`${server.origin}/file`, file, "--sha256", sha(first), "--checksum", second);
  for (const [first, second] of [
    [content, `sha512:${sha(other, "sha512")}`],
    [other, `sha512:${sha(content, "sha512")}`],
    [other, `${server.origin}/SHA256SUMS`],
  ] as const) {
    assert.equal((await with2(first, second)).failure?.exitCode, 21);
    assert.deepEqual(readdirSync(home), []);
  }
  const both = `sha512:${sha(content, "sha512")}`;
  assert.equal((await with2(content, both)).status, "done");
  const asked = server.seen.length;
  assert.equal((await with2(content, both)).status, "unchanged");
  assert.equal(server.seen.length, asked);
  assert.equal((await with2(content, `sha256:${sha(content)}`)).status, "unchanged");
  assert.equal((await with2(content, `${server.origin}/SHA256SUMS`)).status, "unchanged");
  assert.equal((await with2(content, `sha512:${sha(other, "sha512")}`)).failure?.exitCode, 21);
  assert.ok(readFileSync(file).equals(content));
});

test("bytes with another digest never become visible", async (t) => {
  const { home, file } = place(t);
  writeFileSync(file, "old");
  await using server = await startFileServer(files({ "/file": content }));
  for (const options of [
    ["--sha256", sha("other")],
    ["--checksum", `sha512:${sha("other", "sha512")}`],
  ]) {
    const { failure, attempts } = await download(`${server.origin}/file`, file, ...options, ...quick);
    assert.equal(failure?.exitCode, 21);
    assert.equal(attempts, 1);
    assert.equal(readFileSync(file, "utf8"), "old");
    assert.deepEqual(debris(home), []);
  }
});

test("mirrors are tried in order until one has the right bytes", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(
    files({ "/wrong": "wrong", "/file": content, "/later": content }),
  );
  const urls = ["/missing", "/wrong", "/file", "/later"].map((path) => server.origin + path);
  const { status, report } = await download(
    "http://127.0.0.1:1/file",
    ...urls,
    file,
    "--sha256",
    sha(content),
  );
  assert.equal(status, "done");
  assert.equal(report["source"], `${server.origin}/file`);
  assert.equal(server.seen.length, 3);
});

test("mirrors are given up at once only when none of them can help later", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(
    ({ url }, response) => void response.writeHead(Number(url!.slice(1))).end(),
  );
  const run = (...statuses: number[]) =>
    download(...statuses.map((status) => `${server.origin}/${status}`), file, ...quick);
  const both = await run(403, 404);
  assert.deepEqual([both.failure?.code, both.attempts], ["refused", 1]);
  const later = await run(503, 404);
  assert.deepEqual([later.failure?.code, later.failure?.permanent, later.attempts], ["refused", false, 3]);
  assert.match(later.failure!.message, /503/);
});

for (const [what, sums] of Object.entries({
  "of sha256sum": `${sha("x")}  other\n${sha(content)}  file\n`,
  "of sha512sum": `${sha(content, "sha512")} *file\n`,
  "of nothing but the digest": `${sha(content)}\n`,
})) {
  test(`a sums file ${what} is honoured`, async (t) => {
    const { file } = place(t);
    await using server = await startFileServer(files({ "/file": content, "/SUMS": sums }));
    const words = [`${server.origin}/file`, file, "--checksum", `${server.origin}/SUMS`];
    assert.equal((await download(...words)).status, "done");
    assert.equal((await download(...words)).status, "unchanged");
    assert.equal(server.seen.filter(({ url }) => url === "/file").length, 1);
  });
}

test("a sums file that names other digests or other files stops the download", async (t) => {
  const { home, file } = place(t);
  const sums = { "/other": `${sha("x")}  file\n`, "/none": `${sha(content)}  somebody\n`, "/page": "<html>" };
  await using server = await startFileServer(files({ "/file": content, ...sums }));
  for (const path of Object.keys(sums)) {
    const { failure } = await download(`${server.origin}/file`, file, "--checksum", server.origin + path);
    assert.equal(failure?.exitCode, 21, path);
  }
  const { failure } = await download(`${server.origin}/file`, file, "--checksum", `${server.origin}/missing`);
  assert.equal(failure?.exitCode, 20);
  assert.deepEqual(readdirSync(home), []);
});

test("a sums file may be a local file, and may know the file by its name at the destination", async (t) => {
  const { home } = place(t);
  await using server = await startFileServer(files({ "/blob": content }));
  writeFileSync(join(home, "SUMS"), `${sha(content)}  app.bin\n`);
  const { status } = await download(
    `${server.origin}/blob`,
    join(home, "app.bin"),
    "--checksum",
    pathToFileURL(join(home, "SUMS")).href,
  );
  assert.equal(status, "done");
});

test("a sums file may begin with a byte order mark, and one of weak digests is told as that", async (t) => {
  const { home, file } = place(t);
  const [source, sums] = [join(home, "source"), join(home, "SUMS")];
  writeFileSync(source, content);
  const run = () => download(pathToFileURL(source).href, file, "--checksum", pathToFileURL(sums).href);
  writeFileSync(sums, `${sha(content, "md5")}  source\n`);
  const { failure } = await run();
  assert.deepEqual([failure?.code, failure?.kind], ["integrity", "checksum"]);
  assert.match(failure!.hint!, /MD5/);
  writeFileSync(sums, `\uFEFF${sha(content)}  source\r\n`);
  assert.equal((await run()).status, "done");
});

test("headers and credentials go to the host of the first URL and to no other", async (t) => {
  const { home } = place(t);
  await using elsewhere = await startFileServer(files({ "/file": "x" }));
  await using server = await startFileServer(({ url }, response) => {
    if (url === "/file") response.end("x");
    else if (url === "/moved") response.writeHead(302, { location: `${elsewhere.origin}/file` }).end();
    else response.writeHead(503).end();
  });
  const secret = ["--header", "X-Token: hidden", "--bearer", "sesame"];
  let turn = 0;
  const run = (...urls: string[]) => download(...urls, join(home, String(turn++)), ...secret);
  await run(`${server.origin}/file`);
  await run(`${server.origin}/moved`);
  await run(`${server.origin}/busy`, `${elsewhere.origin}/file`);
  await download(`${server.origin}/file`, join(home, "basic"), "--user", "me:pass:word");
  assert.deepEqual(
    server.seen.map(({ headers }) => [headers["x-token"], headers.authorization]),
    [
      ...Array.from({ length: 3 }, () => ["hidden", "Bearer sesame"]),
      [undefined, `Basic ${Buffer.from("me:pass:word").toString("base64")}`],
    ],
  );
  assert.equal(elsewhere.seen.length, 2);
  for (const { headers } of elsewhere.seen)
    assert.deepEqual([headers["x-token"], headers.authorization], [undefined, undefined]);
});

test("the bytes are asked for as they are", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(({ headers }, response) => {
    const packed = headers["accept-encoding"] !== "identity";
    response
      .writeHead(200, packed ? { "content-encoding": "gzip" } : {})
      .end(packed ? gzipSync(content) : content);
  });
  assert.equal((await download(`${server.origin}/file`, file, "--sha256", sha(content))).status, "done");
});

test("bytes that a server has encoded all the same are kept as they come, and that is said", async (t) => {
  const { file } = place(t);
  const packed = gzipSync("text");
  await using server = await startFileServer(
    (_, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(packed),
  );
  const { logs } = await download(`${server.origin}/file`, file);
  assert.ok(readFileSync(file).equals(packed));
  assert.ok(logs.some(({ level, message }) => level === "warn" && message.includes("gzip")));
  const { failure } = await download(`${server.origin}/file`, file, "--sha256", sha("text"));
  assert.deepEqual([failure?.kind, failure?.hint?.includes("gzip")], ["checksum", true]);
});

test("a redirect is followed, unless it is not to be, or never ends", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(({ url }, response) => {
    const location = ({ "/a": "/b", "/b": "/file", "/loop": "/loop" } as Record<string, string>)[url!];
    if (location) response.writeHead(302, { location }).end();
    else response.end("x");
  });
  assert.equal((await download(`${server.origin}/a`, file)).status, "done");
  for (const words of [
    [`${server.origin}/a`, file, "--no-redirects"],
    [`${server.origin}/loop`, file],
  ]) {
    const { failure, attempts } = await download(...words, ...quick);
    assert.deepEqual([failure?.exitCode, attempts], [20, 1]);
  }
});

test("a certificate that does not verify is refused, one of a known CA is not", async (t) => {
  const { home, file } = place(t);
  const authority = makeAuthority();
  await using server = await startFileServer(
    files({ "/file": content }),
    issue({ names: ["127.0.0.1"], issuer: authority }),
  );
  const { failure, attempts } = await download(`${server.origin}/file`, file, ...quick);
  assert.deepEqual([failure?.exitCode, attempts], [20, 1]);
  writeFileSync(join(home, "ca.pem"), authority.cert);
  assert.equal((await download(`${server.origin}/file`, file, "--ca", join(home, "ca.pem"))).status, "done");
  assert.equal((await download(`${server.origin}/file`, join(home, "other"), "--insecure")).status, "done");
});

test("more than max-size is refused, announced or not", async (t) => {
  const { home, file } = place(t);
  await using server = await startFileServer(({ url }, response) => {
    if (url === "/announced") response.writeHead(200, { "content-length": content.length });
    response.end(content);
  });
  for (const path of ["/announced", "/chunked"]) {
    const { failure, attempts } = await download(
      server.origin + path,
      file,
      "--max-size",
      "199999",
      ...quick,
    );
    assert.deepEqual([failure?.exitCode, attempts], [21, 1], path);
    assert.deepEqual(readdirSync(home), []);
    assert.equal(
      (await download(server.origin + path, join(home, path), "--max-size", "200000")).status,
      "done",
    );
    rmSync(join(home, path));
    rmSync(join(home, `.${path.slice(1)}.initkit.json`), { force: true });
  }
});

test("mode is set before the file is visible, and put right later without a download", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  const words = [`${server.origin}/file`, file, "--sha256", sha(content), "--mode", "0750"];
  await download(...words);
  assert.equal(statSync(file).mode & 0o7777, 0o750);
  assert.equal((await download(...words)).status, "unchanged");
  chmodSync(file, 0o600);
  assert.equal((await download(...words)).status, "done");
  assert.equal(statSync(file).mode & 0o7777, 0o750);
  assert.equal(server.seen.length, 1);
});

test("without mode the umask decides", async (t) => {
  const { home, file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  await download(`${server.origin}/file`, file);
  writeFileSync(join(home, "mine"), "");
  assert.equal(statSync(file).mode, statSync(join(home, "mine")).mode);
});

test("owner is set", { skip: !isRoot && "needs root" }, async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(files({ "/file": content }));
  const words = [`${server.origin}/file`, file, "--owner", "4321:8765", "--mode", "4755"];
  await download(...words);
  const { uid, gid, mode } = statSync(file);
  assert.deepEqual([uid, gid, mode & 0o7777], [4321, 8765, 0o4755]);
  assert.equal((await download(...words)).status, "unchanged");
});

test(
  "owner without the right to give files away leaves nothing",
  { skip: isRoot && "root may" },
  async (t) => {
    const { home, file } = place(t);
    await using server = await startFileServer(files({ "/file": content }));
    assert.equal((await download(`${server.origin}/file`, file, "--owner", "0:0")).failure?.exitCode, 24);
    assert.deepEqual(readdirSync(home), []);
  },
);

test("file URLs are sources like others", async (t) => {
  const { home, file } = place(t);
  const source = join(home, "source file");
  writeFileSync(source, content);
  const url = pathToFileURL(source).href;
  assert.equal((await download(url, file)).status, "done");
  assert.equal((await download(url, file)).status, "unchanged");
  writeFileSync(source, "new");
  assert.equal((await download(url, file)).status, "done");
  assert.equal(readFileSync(file, "utf8"), "new");
  assert.equal((await download("file:///proc/self/status", file)).status, "done");
  assert.match(readFileSync(file, "utf8"), /^Pid:/m);
  assert.equal((await download("file:///no/such/file", file, ...quick)).failure?.exitCode, 20);
  assert.equal((await download(pathToFileURL(home).href, file, ...quick)).failure?.exitCode, 20);
});

test("download extracts an archive once all of it is verified", async (t) => {
  const { home } = place(t);
  const dest = join(home, "dest");
  await using server = await startFileServer(files({ "/app.tgz": archive }));
  const words = [`${server.origin}/app.tgz`, dest, "--extract"];
  assert.equal((await download(...words, "--sha256", sha("other"))).failure?.exitCode, 21);
  assert.deepEqual(readdirSync(home), []);
  const { status, report } = await download(...words, "--sha256", sha(archive));
  assert.equal(status, "done");
  assert.deepEqual(snapshot(dest), extracted);
  assert.equal(report["sha256"], sha(archive));
  assert.equal(report["entries"], 3);
  assert.deepEqual(debris(home), []);
});

test("with a digest, a second run extracts nothing and asks nobody, unless something is missing", async (t) => {
  const { home } = place(t);
  const dest = join(home, "dest");
  await using server = await startFileServer(files({ "/app.tgz": archive }));
  const words = [`${server.origin}/app.tgz`, dest, "--extract", "--sha256", sha(archive)];
  await download(...words);
  assert.equal((await download(...words)).status, "unchanged");
  assert.equal(server.seen.length, 1);
  rmSync(join(dest, "app/run"));
  assert.equal((await download(...words)).status, "done");
  assert.deepEqual(snapshot(dest), extracted);
});

test("without a digest, a second run asks whether the archive has changed", async (t) => {
  const { home } = place(t);
  const dest = join(home, "dest");
  const contents: Record<string, Buffer> = { "/app.tgz": archive };
  await using server = await startFileServer(files(contents));
  const run = async () => (await download(`${server.origin}/app.tgz`, dest, "--extract")).status;
  assert.deepEqual([await run(), await run()], ["done", "unchanged"]);
  contents["/app.tgz"] = gzipSync(tar({ name: "new" }));
  assert.deepEqual([await run(), await run()], ["done", "unchanged"]);
  assert.ok(existsSync(join(dest, "new")));
});

test("a server that tells nothing of its file is no reason to extract the same archive again", async (t) => {
  const { home } = place(t);
  await using server = await startFileServer((_, response) => void response.end(archive));
  const run = async () =>
    (await download(`${server.origin}/app.tgz`, join(home, "dest"), "--extract")).status;
  assert.deepEqual([await run(), await run()], ["done", "unchanged"]);
});

test("a single file that has its name from the URL gets the new one, though the digest is the same", async (t) => {
  const { home } = place(t);
  const packed = gzipSync("text");
  await using server = await startFileServer(files({ "/old.gz": packed, "/new.gz": packed }));
  const dest = join(home, "dest");
  const run = (name: string) =>
    download(`${server.origin}/${name}.gz`, dest, "--extract", "--sha256", sha(packed));
  assert.equal((await run("old")).status, "done");
  assert.equal((await run("old")).status, "unchanged");
  assert.equal((await run("new")).status, "done");
  assert.equal(readFileSync(join(dest, "new"), "utf8"), "text");
  const { length } = server.seen;
  assert.equal((await run("new")).status, "unchanged");
  assert.equal(server.seen.length, length);
});

test("the options of extract are those of download too", async (t) => {
  const { home } = place(t);
  const dest = join(home, "dest");
  await using server = await startFileServer(files({ "/app": archive }));
  const url = `${server.origin}/app`;
  assert.equal(
    (await download(url, dest, "--extract=tar.gz", "--strip", "1", "--mode", "0600")).status,
    "done",
  );
  assert.deepEqual(Object.keys(snapshot(dest)).sort(), ["l", "run"]);
  assert.equal(statSync(join(dest, "run")).mode & 0o777, 0o600);
  assert.equal((await download(url, join(home, "single"), "--extract=gz")).status, "done");
  assert.deepEqual(
    Object.keys(snapshot(join(home, "single"))),
    ["app"],
    "a single file, though it is an archive",
  );
  for (const options of [
    ["--extract=zip"],
    ["--extract", "--subpath", "none"],
    ["--extract", "--max-extracted", "2"],
  ]) {
    const { failure } = await download(url, join(home, "refused"), ...options);
    assert.equal(failure?.exitCode, 21, options.join(" "));
    assert.ok(!existsSync(join(home, "refused")));
  }
});

test("a hostile archive is refused after its download too", async (t) => {
  const { home } = place(t);
  const evil = tar({ name: "ok" }, { name: "../sentinel", content: "evil" });
  await using server = await startFileServer(files({ "/evil": evil }));
  const { failure } = await download(
    `${server.origin}/evil`,
    join(home, "dest"),
    "--extract",
    "--sha256",
    sha(evil),
  );
  assert.equal(failure?.exitCode, 21);
  assert.deepEqual(readdirSync(home), []);
});

test("extract written as no is no extraction", async (t) => {
  const { file } = place(t);
  await using server = await startFileServer(files({ "/app.tgz": archive }));
  assert.equal((await download(`${server.origin}/app.tgz`, file, "--extract=false")).status, "done");
  assert.ok(readFileSync(file).equals(archive));
});

test("a volume that is too small is told before it is filled", async (t) => {
  const { home } = place(t);
  const small = join(home, "small");
  mkdirSync(small);
  using volume = mountSmallVolume(small);
  if (!volume) return t.skip("needs the right to mount a tmpfs");
  const large = randomBytes(2_000_000);
  await using server = await startFileServer(({ url }, response) => {
    response.writeHead(200, { etag: '"1"', ...(url === "/announced" && { "content-length": large.length }) });
    response.end(large);
  });
  for (const path of ["/announced", "/chunked"]) {
    const { failure } = await download(server.origin + path, join(small, "file"), ...quick);
    assert.deepEqual([failure?.exitCode, failure?.permanent], [14, false], path);
    assert.match(failure!.message, /free/);
    assert.deepEqual(readdirSync(small), []);
  }
});

test("a volume that is full is told at once, even where the source has nothing more to say for now", async (t) => {
  const { home } = place(t);
  const small = join(home, "small");
  mkdirSync(small);
  using volume = mountSmallVolume(small);
  if (!volume) return t.skip("needs the right to mount a tmpfs");
  await using server = await startFileServer((_, response) => void response.write(randomBytes(2_000_000)));
  const words = [`${server.origin}/file`, join(small, "file"), "--stall", "0", "--retries", "0"];
  const { failure } = await download(...words);
  assert.equal(failure?.exitCode, 14);
  assert.match(failure!.message, /free/);
  assert.deepEqual(readdirSync(small), []);
});

test(
  "a volume that has become full or read-only is no matter where everything is there already",
  { skip: !isRoot && "only root may mount" },
  async (t) => {
    const { home } = place(t);
    const volume = join(home, "volume");
    mkdirSync(volume);
    await using server = await startFileServer(files({ "/file": content, "/app.tgz": archive }));
    const runs = () => [
      download(`${server.origin}/file`, `${volume}/`),
      download(`${server.origin}/app.tgz`, join(volume, "app"), "--extract"),
    ];
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=4m", "tmpfs", volume]);
    try {
      for (const run of runs()) assert.equal((await run).status, "done");
      execFileSync("mount", ["-o", "remount,ro", volume]);
      for (const run of runs()) assert.equal((await run).status, "unchanged");
      const { failure } = await download(
        `${server.origin}/app.tgz`,
        join(volume, "app"),
        "--extract",
        "--force",
      );
      assert.equal(failure?.exitCode, 24);
      execFileSync("mount", ["-o", "remount,rw", volume]);
      assert.throws(() => writeFileSync(join(volume, "filling"), Buffer.alloc(8_000_000)), {
        code: "ENOSPC",
      });
      for (const run of runs()) assert.equal((await run).status, "unchanged");
    } finally {
      execFileSync("umount", [volume]);
    }
  },
);

test("a download that is told to end stops at once and leaves nothing", async (t) => {
  const { home, file } = place(t);
  const controller = new AbortController();
  await using server = await startFileServer((_, response) => {
    response.writeHead(200, { "content-length": content.length });
    response.write(content.subarray(0, 1000));
    setTimeout(() => controller.abort(new Error("stop")), 50);
  });
  const started = performance.now();
  const { failure } = await runTask("download", [`${server.origin}/file`, file], {
    signal: controller.signal,
  });
  assert.match(String(failure?.message), /stop/);
  assert.ok(performance.now() - started < 5000);
  assert.deepEqual(readdirSync(home), []);
});

test("a download killed at any moment is made good by the next one", async (t) => {
  const { home } = place(t);
  const dest = join(home, "dest");
  await using server = await startFileServer(({ url }, response) => {
    const bytes = url === "/file" ? content : archive;
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, 100), () => setTimeout(() => response.end(bytes.subarray(100)), 20));
  });
  mkdirSync(dest);
  for (const [round, delay] of [0, 10, 30, 60].entries()) {
    const words =
      round % 2 ? [`${server.origin}/file`, join(dest, "file")] : [`${server.origin}/app`, dest, "--extract"];
    rmSync(dest, { recursive: true });
    mkdirSync(dest);
    const watcher = watch(dest);
    const child = spawn(process.execPath, [entry, "download", ...words], { stdio: "ignore" });
    await once(watcher, "change");
    watcher.close();
    setTimeout(() => child.kill("SIGKILL"), delay);
    await once(child, "exit");
    assert.equal((await download(...words)).failure, undefined);
    if (round % 2) assert.ok(readFileSync(join(dest, "file")).equals(content));
    else assert.deepEqual(snapshot(dest), extracted);
    assert.deepEqual(debris(home), []);
  }
});

test("no secret of a download is printed", async (t) => {
  const { home } = place(t);
  await using server = await startFileServer((_, response) => void response.writeHead(403).end());
  const url = server.origin.replace("//", "//me:password1@");
  const secrets = ["password1", "sesame123", "signature456", Buffer.from("me:password1").toString("base64")];
  const words = [
    `${url}/file?X-Amz-Signature=signature456`,
    join(home, "file"),
    "--header",
    "Cookie: sesame123",
  ];
  const { stdout, stderr, report, exitCode } = await initkit(["download", ...words]);
  assert.equal(exitCode, 20);
  for (const secret of secrets)
    assert.ok(!`${stdout}${stderr}${JSON.stringify(report)}`.includes(secret), secret);
});

for (const [what, ...words] of [
  ["a scheme that is not known", "ftp://host/file", "file"],
  ["no destination", "https://host/file"],
  ["a digest that is too short", "https://host/file", "file", "--sha256", "abc"],
  ["two sha256", "https://host/f", "f", "--sha256", sha("x"), "--checksum", `sha256:${sha("y")}`],
  ["user and bearer", "https://host/f", "f", "--user", "a:b", "--bearer", "c"],
  ["user and a header of its own", "https://host/f", "f", "--user", "a:b", "--header", "authorization: c"],
  ["a user without a password", "https://host/f", "f", "--user", "me"],
  ["strip without extract", "https://host/f", "f", "--strip", "1"],
  ["include without extract", "https://host/f", "f", "--include", "*"],
  ["a format that this version does not know", "https://host/f", "f", "--extract=tar.lz"],
  ["a header that is none", "https://host/f", "f", "--header", "no colon"],
  ["cert without key", "https://host/f", "f", "--cert", "x.pem"],
]) {
  test(`download with ${what} is a configuration error`, async () => {
    const { status, failure } = await download(...words);
    assert.equal(status, "rejected");
    assert.equal(failure?.exitCode, 2);
  });
}
