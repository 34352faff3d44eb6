import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { challenge, digestOf, manifestOf, startFakeRegistry } from "../helpers/fake-registry.ts";
import { fakeS3 } from "../helpers/fake-s3.ts";
import { startFileServer } from "../helpers/file-server.ts";
import { runTask } from "../helpers/run-task.ts";
import { debris } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";

test("s3 URLs are sources like others, signed with the credentials of the environment", async (t) => {
  const folder = temporary(t);
  await using server = await startFileServer(
    fakeS3({
      buckets: { models: { "v 1/model.bin": "weights" } },
      keys: { AKIDEXAMPLE: { secret: "s3cr3t/+key" } },
    }),
  );
  const env = {
    AWS_ENDPOINT_URL: server.origin,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "s3cr3t/+key",
  };
  const words = ["s3://models/v%201/model.bin", `${folder}/`];
  const first = await runTask("download", words, { env });
  assert.equal(first.status, "done", String(first.failure?.message));
  assert.equal(readFileSync(join(folder, "model.bin"), "utf8"), "weights");
  assert.equal(first.report["source"], "s3://models/v%201/model.bin");
  assert.equal((await runTask("download", words, { env })).status, "unchanged");
});

test("a wrong key of s3 is refused with what S3 says of it, and without the key", async (t) => {
  const folder = temporary(t);
  await using server = await startFileServer(
    fakeS3({ buckets: { models: { m: "weights" } }, keys: { AKIDEXAMPLE: { secret: "s3cr3t/+key" } } }),
  );
  const env = {
    AWS_ENDPOINT_URL: server.origin,
    AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
    AWS_SECRET_ACCESS_KEY: "wr0ng/key",
  };
  const { failure } = await runTask("download", ["s3://models/m", `${folder}/m`], { env });
  assert.equal(failure?.exitCode, 20);
  assert.match(failure.message, /SignatureDoesNotMatch/);
  assert.doesNotMatch(`${failure.message}${failure.hint}`, /wr0ng/);
});

test("the layers of an artifact are extracted in order, each verified by its digest", async (t) => {
  const folder = temporary(t);
  await using registry = await startFakeRegistry();
  const layers = [
    { name: "a", content: "first" },
    { name: "b", content: "second" },
  ].map((file) => registry.blob(gzipSync(tar(file, { name: "both", content: file.content }))));
  registry.put(manifestOf(...layers), "v1");
  const words = [registry.url(":v1").href, join(folder, "dest"), "--extract"];
  const { failure } = await runTask("download", words);
  assert.equal(failure, undefined, String(failure?.message));
  const contents = ["a", "b", "both"].map((name) => readFileSync(join(folder, "dest", name), "utf8"));
  assert.deepEqual(contents, ["first", "second", "second"]);
  assert.equal((await runTask("download", words)).status, "unchanged");
  assert.deepEqual(debris(folder), []);
});

test("an artifact of one file becomes that file, with the login that the registry asks for", async (t) => {
  const folder = temporary(t);
  await using registry = await startFakeRegistry();
  registry.put(manifestOf(registry.blob("weights")), "latest");
  const login = `Basic ${Buffer.from("me:hunter2").toString("base64")}`;
  registry.intercept = challenge('Basic realm="registry"', () => login);
  const words = [registry.url().href, `${folder}/`];
  const { failure } = await runTask("download", [...words, "--user", "me:hunter2"]);
  assert.equal(failure, undefined, String(failure?.message));
  assert.equal(readFileSync(join(folder, "app"), "utf8"), "weights");
  assert.equal(
    (await runTask("download", [...words, "--user", "me:wrong", "--force"])).failure?.exitCode,
    20,
  );
});

test("a layer with other bytes than its digest says never becomes visible", async (t) => {
  const folder = temporary(t);
  await using registry = await startFakeRegistry();
  const layer = registry.blob("right");
  registry.blobs.set(digestOf("right"), Buffer.from("wrong"));
  registry.put(manifestOf(layer), "v1");
  const { failure } = await runTask("download", [registry.url(":v1").href, join(folder, "file")]);
  assert.equal(failure?.exitCode, 21);
  assert.deepEqual(debris(folder), []);
});
