import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { type Peer, startPeer } from "../helpers/peers.ts";
import { received } from "../helpers/received.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { snapshot } from "../helpers/snapshot.ts";
import { startSwift, type Swift } from "../helpers/swift.ts";
import { temporary } from "../helpers/temporary.ts";

let swift: Swift;
before(async () => {
  swift = await startSwift();
  await swift.put("models");
  await swift.put("models", "m", "0123456789");
});
after(() => swift[Symbol.asyncDispose]());

type Variables = Readonly<Record<string, string>>;

const download = (url: string, dest: string, more: Variables = {}, ...words: string[]): Promise<TaskRun> => {
  const env = { ...swift.keys, AWS_ENDPOINT_URL: swift.origin, ...more };
  return runTask("download", [url, dest, "--retries", "0", ...words], { env });
};

/** What a download of a file brings. */
async function contentOf(t: TestContext, url: string, more?: Variables): Promise<string> {
  const file = join(temporary(t), "file");
  const { failure } = await download(url, file, more);
  assert.equal(failure, undefined, String(failure?.message));
  return readFileSync(file, "utf8");
}

/** Why a download fails, with what to do about it. */
async function refusal(t: TestContext, url: string, more?: Variables): Promise<[string, string]> {
  const { failure } = await download(url, join(temporary(t), "file"), more);
  assert.equal(failure?.code, "refused", String(failure?.message));
  return [failure.kind, failure.hint ?? ""];
}

test("an object of a real S3 server is downloaded, is not sent again, and is sent again when it has changed", async (t) => {
  const file = join(temporary(t), "file");
  await swift.put("models", "changing", "old");
  assert.equal((await download("s3://models/changing", file)).status, "done");
  assert.equal((await download("s3://models/changing", file)).status, "unchanged");
  await swift.put("models", "changing", "new");
  assert.equal((await download("s3://models/changing", file)).status, "done");
  assert.equal(readFileSync(file, "utf8"), "new");
});

test("an archive of a real S3 server is extracted", async (t) => {
  const home = temporary(t);
  await swift.put(
    "models",
    "a.tgz",
    gzipSync(tar({ name: "a/x", content: "x" }, { name: "b", content: "b" })),
  );
  const { failure } = await download("s3://models/a.tgz", join(home, "out"), {}, "--extract");
  assert.equal(failure, undefined, String(failure?.message));
  const names = Object.keys(snapshot(home)).filter((name) => !name.includes("initkit"));
  assert.deepEqual(names, ["out", "out/a", "out/a/x", "out/b"]);
});

test("a real S3 server is asked for a bucket by its path and by its host", async (t) => {
  const AWS_ENDPOINT_URL = `http://localhost:${swift.port}`;
  for (const AWS_S3_ADDRESSING_STYLE of ["path", "virtual"]) {
    const content = await contentOf(t, "s3://models/m", { AWS_ENDPOINT_URL, AWS_S3_ADDRESSING_STYLE });
    assert.equal(content, "0123456789");
  }
});

const oddKeys = ["a b", "a+b", "a%b", "a%20b", "a%2Fb", "/x//y", "\u00fc/\u4e16\u{1f600}", "!'()*~"].concat(
  ";:@&=$,?#[]",
  "\\",
  '"<>^`{|}',
);

test("a real S3 server takes the signature for a key of any characters, in both styles", async (t) => {
  const styles = [
    {},
    { AWS_ENDPOINT_URL: `http://localhost:${swift.port}`, AWS_S3_ADDRESSING_STYLE: "virtual" },
  ];
  for (const key of oddKeys) {
    await swift.put("models", key, `content of ${key}`);
    for (const style of styles)
      assert.equal(
        await contentOf(t, `s3://models/${encodeURIComponent(key)}`, style),
        `content of ${key}`,
        key,
      );
  }
});

test("a region that a real S3 server finds wrong is corrected by its answer", async (t) => {
  await swift.put("elsewhere");
  await swift.put("elsewhere", "m", "there");
  assert.equal(await contentOf(t, "s3://elsewhere/m", { AWS_REGION: "us-west-2" }), "there");
});

test("a real S3 server's refusals are told apart, each with what to do", async (t) => {
  const [noKey, checkKey] = await refusal(t, "s3://models/missing");
  assert.equal(noKey, "http:404");
  assert.match(checkKey, /key/);
  const [noBucket, checkBucket] = await refusal(t, "s3://missing/m");
  assert.equal(noBucket, "http:404");
  assert.match(checkBucket, /name of the bucket/);
  for (const wrong of [{ AWS_SECRET_ACCESS_KEY: "wrong" }, { AWS_ACCESS_KEY_ID: "unknown" }]) {
    const [kind, hint] = await refusal(t, "s3://models/m", wrong);
    assert.equal(kind, "http:403");
    assert.match(hint, /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY: /);
  }
});

const none = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };

test("a real S3 server gives a public object without credentials, and another one not", async (t) => {
  // Only at its own API it knows who asks for nothing in particular.
  const anonymous = { ...none, AWS_ENDPOINT_URL: `${swift.origin}/v1/AUTH_test` };
  await swift.put("open", undefined, "", { "x-amz-acl": "public-read" });
  await swift.put("open", "m", "public");
  assert.equal(await contentOf(t, "s3://open/m", anonymous), "public");
  for (const env of [anonymous, none]) {
    const [, hint] = await refusal(t, "s3://models/m", env);
    assert.match(hint, /^the request was not signed/);
  }
});

test("a presigned URL of a real S3 server is a source until it expires", async (t) => {
  assert.equal(await contentOf(t, swift.presign("models", "m"), none), "0123456789");
  const at = new Date(Date.now() - 120_000);
  const [kind, hint] = await refusal(t, swift.presign("models", "m", { at, seconds: 60 }), none);
  assert.equal(kind, "http:403");
  assert.match(hint, /^the presigned URL was good until /);
  const cutOff = swift.presign("models", "m").replace(/&X-Amz-Signature=.*/, "");
  assert.equal((await refusal(t, cutOff, none))[0], "http:403");
});

/** A way to the server that ends the first answer after so many bytes, and keeps what was asked for. */
async function startCut(bytes: number, home: string): Promise<Peer & { readonly asked: string[] }> {
  const asked: string[] = [];
  const peer = await startPeer((client, number) => {
    const isCut = number === 1;
    let left = isCut ? bytes : Infinity;
    const server = connect(swift.port, "127.0.0.1").on("error", () => client.destroy());
    client.on("close", () => server.destroy());
    client.on("data", (request: Buffer) => {
      asked.push(request.toString("latin1"));
      server.write(request);
    });
    server.on("data", (answer: Buffer) => {
      client.write(answer.subarray(0, Math.max(0, left)));
      left -= answer.length;
    });
    if (isCut) void received(home, bytes - headerBytes).then(() => client.destroy());
    else server.on("end", () => client.end());
  });
  return { ...peer, asked };
}

/** More than the header of an answer has. */
const headerBytes = 5_000;

/** Downloads the object with a connection that breaks off, and once more, perhaps when the object has changed. */
async function resumed(t: TestContext, key: string, change?: () => Promise<void>) {
  const home = temporary(t);
  const file = join(home, "file");
  await using cut = await startCut(100_000, home);
  const env = { AWS_ENDPOINT_URL: `http://127.0.0.1:${cut.port}` };
  assert.equal((await download(`s3://models/${key}`, file, env)).failure?.code, "source-unavailable");
  await change?.();
  assert.equal((await download(`s3://models/${key}`, file, env)).status, "done");
  assert.match(cut.asked[1]!, /^range: bytes=9[0-9]{4}-\r$/im);
  return { content: readFileSync(file), requests: cut.asked.length };
}

test("a download from a real S3 server that broke off is taken up where it ended", async (t) => {
  const content = randomBytes(300_000);
  await swift.put("models", "large", content);
  assert.deepEqual(await resumed(t, "large"), { content, requests: 2 });
});

test("a download from a real S3 server that broke off begins anew where the object has changed", async (t) => {
  const content = randomBytes(300_000);
  await swift.put("models", "large", randomBytes(300_000));
  const change = () => swift.put("models", "large", content);
  // This server ignores If-Range, and sends the rest of another object.
  assert.deepEqual(await resumed(t, "large", change), { content, requests: 3 });
});

test("an object of many parts is taken up in the middle of one, and is not sent again", async (t) => {
  const content = randomBytes(300_000);
  const parts = [content.subarray(0, 70_000), content.subarray(70_000, 190_000), content.subarray(190_000)];
  await swift.putParts("models", "parts", parts);
  assert.deepEqual(await resumed(t, "parts"), { content, requests: 2 });
  const file = join(temporary(t), "file");
  assert.equal((await download("s3://models/parts", file)).status, "done");
  assert.equal((await download("s3://models/parts", file)).status, "unchanged");
});
