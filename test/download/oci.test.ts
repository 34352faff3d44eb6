import assert from "node:assert/strict";
import { test } from "node:test";
import type { Access } from "../../src/download/http-source.ts";
import { locateOci } from "../../src/download/oci/locate.ts";
import { ownPlatform } from "../../src/download/oci/platform.ts";
import { Failure } from "../../src/failure.ts";
import { request } from "../../src/net/http.ts";
import {
  challenge,
  digestOf,
  type FakeRegistry,
  indexOf,
  manifestOf,
  refuse,
  startFakeRegistry,
} from "../helpers/fake-registry.ts";
import { startFileServer } from "../helpers/file-server.ts";

const { architecture } = ownPlatform();
const foreign = architecture === "amd64" ? "arm64" : "amd64";

const accessTo = (registry: FakeRegistry, args: Partial<Access["args"]> = {}): Access => ({
  args: { header: [], user: undefined, bearer: undefined, "no-redirects": false, stall: 5000, ...args },
  tls: {},
  env: { DOCKER_CONFIG: "/nowhere" },
  origin: registry.origin,
  signal: new AbortController().signal,
});

const locate = (registry: FakeRegistry, rest = "", args: Partial<Access["args"]> = {}) =>
  locateOci(registry.url(rest), accessTo(registry, args));

async function failureOf(doing: Promise<unknown>): Promise<Failure> {
  const failure = await doing.then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  assert.ok(failure.hint, failure.message);
  assert.doesNotMatch(`${failure.message} ${failure.hint}`, /hunter2/);
  return failure;
}

const fails = async (registry: FakeRegistry, rest = ""): Promise<Failure> =>
  await failureOf(locate(registry, rest));

test("an artifact is its layers, in order, with digest, length and title", async () => {
  await using registry = await startFakeRegistry();
  const title = { annotations: { "org.opencontainers.image.title": "model.bin" } };
  const one = registry.blob("one", { mediaType: "application/x-anything", ...title });
  const two = registry.blob("twice");
  registry.put(manifestOf(one, two), "v1", "latest");
  const locations = await locate(registry, ":v1");
  assert.deepEqual(
    locations.map(({ url, digest, length, title: name }) => [
      url.href,
      `sha256:${digest?.hex}`,
      length,
      name,
    ]),
    [
      [`${registry.origin}/v2/team/app/blobs/${one.digest}`, one.digest, 3, "model.bin"],
      [`${registry.origin}/v2/team/app/blobs/${two.digest}`, two.digest, 5, undefined],
    ],
  );
  const latest = await locate(registry);
  assert.deepEqual(
    latest.map(({ url }) => url.href),
    locations.map(({ url }) => url.href),
  );
});

test("what is a layer of an image is told by its media type", async () => {
  await using registry = await startFakeRegistry();
  for (const [mediaType, isLayer] of [
    ["application/vnd.oci.image.layer.v1.tar", true],
    ["application/vnd.oci.image.layer.v1.tar+zstd", true],
    ["application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", true],
    ["application/vnd.docker.image.rootfs.diff.tar.gzip", true],
    ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", false],
    ["application/x-tar", false],
  ] as const) {
    registry.put(manifestOf(registry.blob("x", { mediaType })), "latest");
    assert.equal((await locate(registry))[0]!.isLayer, isLayer, mediaType);
  }
});

test("a manifest of a digest is taken only with that digest", async () => {
  await using registry = await startFakeRegistry();
  const { digest } = registry.put(manifestOf(registry.blob("x")));
  assert.equal((await locate(registry, `:ignored@${digest}`)).length, 1);
  registry.manifests.set(
    digest,
    registry.manifests.get(registry.put(manifestOf(registry.blob("evil"))).digest)!,
  );
  const failure = await fails(registry, `@${digest}`);
  assert.deepEqual([failure.code, failure.kind], ["integrity", "checksum"]);
});

test("a manifest may be named by its sha512", async () => {
  await using registry = await startFakeRegistry();
  registry.put(manifestOf(registry.blob("x")), "latest");
  const stored = registry.manifests.get("latest")!;
  const digest = digestOf(stored.body, "sha512");
  registry.manifests.set(digest, stored);
  assert.equal((await locate(registry, `@${digest}`)).length, 1);
});

test("of an index the manifest for this machine is taken, whatever its place", async () => {
  await using registry = await startFakeRegistry();
  const entry = (name: string, platform: object) => ({
    ...registry.put(manifestOf(registry.blob(name))),
    platform,
  });
  const attestation = {
    ...entry("attestation", { os: "unknown", architecture: "unknown" }),
    annotations: { "vnd.docker.reference.type": "attestation-manifest" },
  };
  registry.put(
    indexOf(
      attestation,
      entry("windows", { os: "windows", architecture }),
      entry("foreign", { os: "linux", architecture: foreign }),
      entry("variant", { os: "linux", architecture, variant: "v9" }),
      entry("own", { os: "linux", architecture }),
    ),
    "latest",
  );
  const [location] = await locate(registry);
  assert.equal(`sha256:${location!.digest!.hex}`, digestOf("own"));
});

test("the only artifact of an index is taken, and an index in an index", async () => {
  await using registry = await startFakeRegistry();
  const inner = registry.put(indexOf(registry.put(manifestOf(registry.blob("x")))));
  registry.put(indexOf(inner), "latest");
  assert.equal((await locate(registry)).length, 1);
});

test("an index without this platform is refused, with the platforms that it has", async () => {
  await using registry = await startFakeRegistry();
  const entry = registry.put(manifestOf(registry.blob("x")));
  registry.put(
    indexOf(
      { ...entry, platform: { os: "linux", architecture: foreign } },
      { ...entry, platform: { os: "windows", architecture } },
    ),
    "latest",
  );
  const failure = await fails(registry);
  assert.deepEqual([failure.code, failure.kind], ["refused", "platform"]);
  assert.match(failure.message, new RegExp(`linux/${foreign}, windows/${architecture}`));
});

test("an entry of an index is verified, and one that is missing is named", async () => {
  await using registry = await startFakeRegistry();
  const entry = registry.put(manifestOf(registry.blob("x")));
  registry.put(indexOf(entry), "latest");
  registry.manifests.get(entry.digest)!.body[5]! ^= 1;
  assert.equal((await fails(registry)).code, "integrity");
  registry.manifests.delete(entry.digest);
  const failure = await fails(registry);
  assert.deepEqual([failure.code, failure.kind], ["refused", "http:404"]);
  assert.match(failure.message, new RegExp(entry.digest));
});

test("an index that never ends is refused", async () => {
  await using registry = await startFakeRegistry();
  let entry = registry.put(manifestOf(registry.blob("x")));
  for (let depth = 0; depth < 6; depth++) entry = registry.put(indexOf(entry), "latest");
  assert.match((await fails(registry)).message, /index of indexes/);
});

test("the digest of a blob is downloaded as that blob", async () => {
  await using registry = await startFakeRegistry();
  const { digest } = registry.blob("content");
  const [location, ...others] = await locate(registry, `@${digest}`);
  assert.deepEqual(others, []);
  assert.equal(location!.url.pathname, `/v2/team/app/blobs/${digest}`);
  assert.equal(location!.length, 7);
  assert.equal(`sha256:${location!.digest!.hex}`, digest);
  const missing = await fails(registry, `@${digestOf("missing")}`);
  assert.deepEqual([missing.code, missing.kind], ["refused", "http:404"]);
});

test("a registry in trouble does not make a blob of a manifest, and one that cannot tell is believed", async () => {
  await using registry = await startFakeRegistry();
  const { digest } = registry.put(manifestOf(registry.blob("x")));
  registry.blobs.set(digest, registry.manifests.get(digest)!.body);
  registry.intercept = ({ url }, response) => {
    const isManifest = url!.includes("/manifests/");
    if (isManifest) refuse(response, 500, "UNKNOWN");
    return isManifest;
  };
  const failure = await fails(registry, `@${digest}`);
  assert.deepEqual([failure.code, failure.kind], ["source-unavailable", "http:500"]);
  for (const content of ["content", Buffer.alloc(4 * 1024 * 1024 + 1)]) {
    const blob = registry.blob(content);
    assert.equal((await locate(registry, `@${blob.digest}`))[0]!.length, blob.size);
  }
  assert.equal((await fails(registry, `@${digestOf("missing")}`)).kind, "http:500");
});

test("what is not there is refused, with repository and tag", async () => {
  await using registry = await startFakeRegistry();
  const failure = await fails(registry, ":v9");
  assert.deepEqual([failure.code, failure.kind], ["refused", "http:404"]);
  assert.match(failure.message, /the tag v9 in the repository team\/app .*MANIFEST_UNKNOWN/);
});

test("without layers there is nothing to download", async () => {
  await using registry = await startFakeRegistry();
  const empty = { mediaType: "application/vnd.oci.empty.v1+json", digest: digestOf("{}"), size: 2 };
  for (const manifest of [manifestOf(), manifestOf(empty)]) {
    registry.put(manifest, "latest");
    const failure = await fails(registry);
    assert.equal(failure.code, "refused");
    assert.match(failure.message, /no layers/);
  }
});

test("a layer that the registry may not have is refused", async () => {
  await using registry = await startFakeRegistry();
  const urls = ["https://mcr.example/x"];
  for (const mediaType of [
    "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
  ]) {
    registry.put(manifestOf(registry.blob("x", { mediaType, urls })), "latest");
    assert.match((await fails(registry)).message, /not to be had from the registry/);
    registry.put(manifestOf(registry.blob("x", { mediaType })), "latest");
    assert.equal((await locate(registry)).length, 1, "it has been pushed all the same");
  }
});

test("what is no manifest is refused", async () => {
  await using registry = await startFakeRegistry();
  const layer = registry.blob("x");
  const answers = [
    "<html>log in</html>",
    "{}",
    "null",
    '{"schemaVersion":1,"fsLayers":[]}',
    JSON.stringify({ ...manifestOf(layer), manifests: [] }),
    JSON.stringify(manifestOf({ ...layer, digest: "md5:abc" })),
    JSON.stringify(manifestOf({ ...layer, digest: `sha256:${"../".repeat(20)}abcd` })),
    JSON.stringify(manifestOf({ ...layer, size: -1 })),
    JSON.stringify(manifestOf({ ...layer, size: 1e300 })),
  ];
  for (const answer of answers) {
    registry.put(answer, "latest");
    const failure = await fails(registry);
    assert.deepEqual([failure.code, failure.kind], ["refused", "manifest"], answer);
  }
});

test("a manifest that is too long is given up", async () => {
  await using registry = await startFakeRegistry();
  registry.put(" ".repeat(4 * 1024 * 1024 + 1), "latest");
  const failure = await fails(registry);
  assert.deepEqual([failure.code, failure.kind], ["integrity", "too-long"]);
});

test("a registry that is busy or failing may be asked again, when it says", async () => {
  await using registry = await startFakeRegistry();
  for (const status of [429, 500, 503]) {
    registry.intercept = (_, response) => {
      refuse(response, status, "TOOMANYREQUESTS", { "retry-after": "7" });
      return true;
    };
    const failure = await fails(registry);
    assert.deepEqual(
      [failure.code, failure.kind, failure.retryAfter],
      ["source-unavailable", `http:${status}`, 7000],
    );
  }
});

test("a connection that breaks within the manifest is no answer", async () => {
  await using registry = await startFakeRegistry();
  registry.intercept = (_, response) => {
    response.writeHead(200, { "content-length": 1000 });
    response.write("{", () => response.destroy());
    return true;
  };
  assert.equal((await fails(registry)).code, "source-unavailable");
});

test("manifest and blob may be elsewhere, where no credentials go", async () => {
  await using registry = await startFakeRegistry();
  registry.put(manifestOf(registry.blob("content")), "latest");
  await using store = await startFileServer((asked, response) => {
    const found = registry.manifests.get(asked.url!.split("/").at(-1)!)?.body ?? "content";
    response.end(found);
  });
  registry.intercept = (asked, response) => {
    response.writeHead(307, { location: `${store.origin}${asked.url}` }).end();
    return true;
  };
  const header = [{ name: "x-api-key", value: "hunter2" }];
  const [location] = await locate(registry, "", { bearer: "hunter2", header });
  const names = location!.headers!.map(({ name }) => name);
  assert.deepEqual(names, ["x-api-key", "authorization"]);
  const options = { signal: accessTo(registry).signal, code: "source-unavailable" } as const;
  using response = await request(location!.url, { ...options, headers: location!.headers });
  assert.equal((await response.body.toArray()).join(""), "content");
  assert.equal(store.seen.length, 2);
  assert.match(store.seen[0]!.headers.accept!, /vnd\.oci\.image\.index/);
  for (const { headers } of store.seen) assert.doesNotMatch(JSON.stringify(headers), /hunter2|authorization/);
});

test("a login that another host asks for is not answered", async () => {
  await using registry = await startFakeRegistry();
  await using other = await startFakeRegistry();
  other.intercept = challenge("Basic realm=x", () => undefined);
  registry.intercept = (asked, response) => {
    response.writeHead(307, { location: `${other.origin}${asked.url}` }).end();
    return true;
  };
  const failure = await failureOf(locate(registry, "", { user: "ada:hunter2" }));
  assert.deepEqual([failure.code, failure.kind], ["refused", "http:401"]);
  assert.equal(other.seen.length, 1);
});

test("redirects are refused where they are not wanted, and where they have no end", async () => {
  await using registry = await startFakeRegistry();
  registry.intercept = (asked, response) => {
    response.writeHead(307, { location: asked.url! }).end();
    return true;
  };
  assert.equal((await fails(registry)).code, "refused");
  const asked = registry.seen.length;
  assert.equal((await failureOf(locate(registry, "", { "no-redirects": true }))).code, "refused");
  assert.equal(registry.seen.length, asked + 1);
});
