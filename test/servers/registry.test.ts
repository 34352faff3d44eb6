import assert from "node:assert/strict";
import { createHash, createPrivateKey, randomBytes, randomUUID, sign } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Access } from "../../src/download/http-source.ts";
import { locateOci } from "../../src/download/oci/locate.ts";
import { ownPlatform } from "../../src/download/oci/platform.ts";
import { Failure } from "../../src/failure.ts";
import { request } from "../../src/net/http.ts";
import { tar } from "../helpers/archives.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { digestOf, indexOf, manifestOf } from "../helpers/fake-registry.ts";
import { startFileServer } from "../helpers/file-server.ts";
import { runTask } from "../helpers/run-task.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { snapshot } from "../helpers/snapshot.ts";
import { temporary } from "../helpers/temporary.ts";
import { ready } from "../helpers/wait.ts";

const authority = makeAuthority();
const ca = Buffer.from(authority.cert);
const certificate = issue({ names: ["127.0.0.1"], issuer: authority });
const { signal } = new AbortController();
const base64 = (text: string): string => Buffer.from(text).toString("base64");

/** `s3cret-pw`, as htpasswd -B writes it. */
const htpasswd = "ada:$2b$05$abcdefghijklmnopqrstuuzSvhclVSvY9ufOheOOhcPviTPFJlqIC";
const basic = `Basic ${base64("ada:s3cret-pw")}`;

/** Debian's docker-registry (Distribution) over TLS, which asks for this sort of authorization. */
async function startRegistry(auth: object): Promise<ServerProcess & { readonly origin: string }> {
  const server = await startServer((port, folder) => {
    const { cert, key } = certificate;
    const files = { cert, key, ca: authority.cert, htpasswd };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const config = {
      version: 0.1,
      storage: { filesystem: { rootdirectory: join(folder, "storage") } },
      http: { addr: `127.0.0.1:${port}`, secret: "x", tls: { certificate: "cert", key: "key" } },
      auth,
    };
    writeFileSync(join(folder, "config.json"), JSON.stringify(config));
    return { command: ["docker-registry", "serve", "config.json"] };
  });
  const origin = `https://127.0.0.1:${server.port}`;
  await ready(`${origin}/v2/`, "--ca", join(server.folder, "ca"), "--status", "401");
  return { ...server, origin };
}

type Registry = Awaited<ReturnType<typeof startRegistry>>;

/** Pushes into the repository `team/app`, by plain requests. */
function pusher(origin: string, authorization: string) {
  const send = async (method: string, url: URL, type: string, body: string | Buffer = "") => {
    const headers = Object.entries({ authorization, "content-type": type }).map(([name, value]) => ({
      name,
      value,
    }));
    const options = { method, headers, body, tls: { ca }, signal, code: "not-ready" } as const;
    using response = await request(url, options);
    const text = (await response.body.toArray()).join("");
    assert.ok(response.status < 300, `${method} ${url.pathname}: ${response.status} ${text}`);
    return response.headers;
  };
  const blob = async (content: string | Buffer) => {
    const { location } = await send("POST", new URL("/v2/team/app/blobs/uploads/", origin), "text/plain");
    const url = new URL(String(location), origin);
    url.searchParams.set("digest", digestOf(content));
    await send("PUT", url, "application/octet-stream", content);
    return { mediaType: "application/octet-stream", digest: digestOf(content), size: content.length };
  };
  const manifest = async (document: { mediaType: string }, tag?: string) => {
    const body = JSON.stringify(document);
    const url = new URL(`/v2/team/app/manifests/${tag ?? digestOf(body)}`, origin);
    await send("PUT", url, document.mediaType, body);
    return { mediaType: document.mediaType, digest: digestOf(body), size: body.length };
  };
  return { blob, manifest };
}

const locate = (
  { origin, port }: Registry,
  rest = "",
  { tls = { ca }, env = {}, user }: { tls?: Access["tls"]; env?: Access["env"]; user?: string } = {},
) =>
  locateOci(new URL(`oci://127.0.0.1:${port}/team/app${rest}`), {
    args: { header: [], user, bearer: undefined, "no-redirects": false, stall: 10_000 },
    tls,
    env: { DOCKER_CONFIG: "/nowhere", ...env },
    origin,
    signal,
  });

async function fails(...args: Parameters<typeof locate>): Promise<string> {
  const failure = await locate(...args).then(
    () => assert.fail("it should have failed"),
    (error: unknown) => error,
  );
  assert.ok(failure instanceof Failure, String(failure));
  return `${failure.code} ${failure.kind}`;
}

async function contentOf(...args: Parameters<typeof locate>): Promise<string[]> {
  const contents: string[] = [];
  for (const { url, headers = [], digest, length } of await locate(...args)) {
    using response = await request(url, { headers, tls: { ca }, signal, code: "not-ready" });
    const content = Buffer.concat(await response.body.toArray());
    assert.equal(createHash(digest!.algorithm).update(content).digest("hex"), digest!.hex);
    assert.equal(content.length, length);
    contents.push(content.toString("latin1"));
  }
  return contents;
}

test("artifacts, images, indexes and blobs of a real registry are found, by tag and by digest", async () => {
  await using registry = await startRegistry({ htpasswd: { realm: "x", path: "htpasswd" } });
  const { blob, manifest } = pusher(registry.origin, basic);
  const [first, second] = [randomBytes(100_000), "second"];
  const user = "ada:s3cret-pw";
  await blob("{}");
  const artifact = await manifest(manifestOf(await blob(first), await blob(second)), "v1");
  const { architecture } = ownPlatform();
  const other = await manifest(manifestOf(await blob("other")));
  await manifest(
    indexOf(
      { ...other, platform: { os: "linux", architecture: architecture === "amd64" ? "arm64" : "amd64" } },
      { ...artifact, platform: { os: "linux", architecture } },
    ),
    "latest",
  );
  const expected = [first.toString("latin1"), second];
  for (const rest of ["", ":v1", `@${artifact.digest}`]) {
    assert.deepEqual(await contentOf(registry, rest, { user }), expected, rest);
  }
  assert.deepEqual(await contentOf(registry, `@${digestOf(second)}`, { user }), [second]);
  assert.equal(await fails(registry, ":v9", { user }), "refused http:404");
  assert.equal(await fails(registry, `@${digestOf("missing")}`, { user }), "refused http:404");
});

test("the layers of an image of a real registry are laid over each other, and an artifact's file has its title", async (t) => {
  await using registry = await startRegistry({ htpasswd: { realm: "x", path: "htpasswd" } });
  const { blob, manifest } = pusher(registry.origin, basic);
  const layerOf = async (...names: string[]) => ({
    ...(await blob(gzipSync(tar(...names.map((name) => ({ name, content: name })))))),
    mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
  });
  const title = { annotations: { "org.opencontainers.image.title": "model.bin" } };
  await blob("{}");
  await manifest(
    manifestOf(await layerOf("a/x", "b", "c"), await layerOf("a/.wh..wh..opq", ".wh.b", "a/y")),
    "image",
  );
  await manifest(manifestOf({ ...(await blob("weights")), ...title }), "model");
  const home = temporary(t);
  const download = async (tag: string, ...words: string[]) => {
    const url = `oci://127.0.0.1:${registry.port}/team/app:${tag}`;
    const login = ["--user", "ada:s3cret-pw", "--ca", join(registry.folder, "ca")];
    const { failure } = await runTask("download", [url, ...words, ...login]);
    assert.equal(failure, undefined, String(failure?.message));
  };
  await download("image", join(home, "image"), "--extract");
  await download("model", `${home}/models/`);
  assert.deepEqual(
    Object.keys(snapshot(home)).filter((name) => !name.includes("initkit")),
    ["image", "image/a", "image/a/y", "image/c", "models", "models/model.bin"],
  );
});

test("a real registry is logged in to with a mounted Secret, and refuses wrong credentials and none", async () => {
  await using registry = await startRegistry({ htpasswd: { realm: "x", path: "htpasswd" } });
  const { blob, manifest } = pusher(registry.origin, basic);
  await blob("{}");
  await manifest(manifestOf(await blob("content")), "latest");
  const auths = { [`https://127.0.0.1:${registry.port}/v2/`]: { auth: base64("ada:s3cret-pw") } };
  writeFileSync(join(registry.folder, ".dockerconfigjson"), JSON.stringify({ auths }));
  writeFileSync(join(registry.folder, "config.json"), JSON.stringify({ auths }));
  assert.deepEqual(await contentOf(registry, "", { env: { DOCKER_CONFIG: registry.folder } }), ["content"]);
  assert.equal(await fails(registry, "", { user: "ada:wrong" }), "refused http:401");
  assert.equal(await fails(registry), "refused http:401");
  assert.equal(
    await fails(registry, "", { tls: { ca: Buffer.from(makeAuthority().cert) } }),
    "refused tls:certificate",
  );
});

/** A token as the registry wants it (Distribution, "Token Authentication Implementation": JWT, RFC 7519). */
function signToken(...actions: string[]): string {
  const { cert, key } = issue({ name: "tokens", issuer: authority });
  const der = cert.replace(/-----.*-----|\s/g, "");
  const now = Math.floor(Date.now() / 1000);
  const access = [{ type: "repository", name: "team/app", actions }];
  const claims = { iss: "tokens", sub: "ada", aud: "the registry", jti: randomUUID(), access };
  const times = { iat: now - 5, nbf: now - 5, exp: now + 60 };
  const parts = [
    { typ: "JWT", alg: "ES256", x5c: [der] },
    { ...claims, ...times },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString("base64url")).join(".");
  const options = { key: createPrivateKey(key), dsaEncoding: "ieee-p1363" } as const;
  return `${signed}.${sign("sha256", Buffer.from(signed), options).toString("base64url")}`;
}

test("a real registry takes the token that its token server gives for the credentials", async () => {
  await using tokens = await startFileServer(({ headers }, response) => {
    if (headers.authorization !== basic) return void response.writeHead(401).end();
    response.end(JSON.stringify({ token: signToken("pull"), expires_in: 60 }));
  }, certificate);
  const realm = `${tokens.origin}/token`;
  const token = { realm, service: "the registry", issuer: "tokens", rootcertbundle: "ca" };
  await using registry = await startRegistry({ token });
  const { blob, manifest } = pusher(registry.origin, `Bearer ${signToken("pull", "push")}`);
  await blob("{}");
  await manifest(manifestOf(await blob("content")), "latest");
  assert.deepEqual(await contentOf(registry, "", { user: "ada:s3cret-pw" }), ["content"]);
  assert.equal(tokens.seen[0]!.url, "/token?service=the+registry&scope=repository%3Ateam%2Fapp%3Apull");
  assert.equal(await fails(registry, "", { user: "ada:wrong" }), "refused http:401");
});
