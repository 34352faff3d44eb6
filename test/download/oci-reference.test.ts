import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { isDockerHub, nameOf, originOf, parseOci, shownReference } from "../../src/download/oci/reference.ts";

const hex = "0123456789abcdef".repeat(4);
const origin = (text: string, tls = {}) => originOf(parseOci(text), tls);
const shown = (text: string) => shownReference(parseOci(text));

test("a reference is read with its registry, repository, tag and digest", () => {
  assert.deepEqual(parseOci("oci://Registry.example.com:5000/team/app:v1"), {
    host: "registry.example.com:5000",
    repository: "team/app",
    tag: "v1",
    digest: undefined,
  });
  const { tag, digest } = parseOci(`oci://ghcr.io/a/b:v1@sha256:${hex}`);
  assert.deepEqual({ tag, digest }, { tag: "v1", digest: { algorithm: "sha256", hex } });
  assert.equal(parseOci("oci://[::1]:5000/app").host, "[::1]:5000");
  assert.equal(parseOci(`oci://r/app@sha512:${hex}${hex}`).digest?.algorithm, "sha512");
});

test("without a tag it is latest, and a digest wins over a tag", () => {
  assert.equal(shown("oci://r.example/app"), "r.example/app:latest");
  assert.equal(shown(`oci://r.example/app:v1@sha256:${hex}`), `r.example/app@sha256:${hex}`);
  assert.equal(parseOci(`oci://r.example/app@sha256:${hex}`).tag, undefined);
});

test("Docker Hub is asked where it answers, and its own images are in library/", () => {
  for (const host of ["docker.io", "index.docker.io", "registry-1.docker.io"]) {
    assert.equal(origin(`oci://${host}/alpine`), "https://registry-1.docker.io");
    assert.equal(shown(`oci://${host}/alpine`), "docker.io/library/alpine:latest");
    assert.ok(isDockerHub(parseOci(`oci://${host}/alpine`)));
  }
  assert.equal(shown("oci://docker.io/library/alpine:3"), "docker.io/library/alpine:3");
  assert.equal(shown("oci://docker.io/grafana/loki"), "docker.io/grafana/loki:latest");
});

test("only a registry on loopback is asked without TLS, and not where the options speak of TLS", () => {
  assert.equal(origin("oci://localhost:5000/app"), "http://localhost:5000");
  assert.equal(origin("oci://127.0.0.1:5000/app"), "http://127.0.0.1:5000");
  assert.equal(origin("oci://[::1]:5000/app"), "http://[::1]:5000");
  assert.equal(origin("oci://localhost:5000/app", { ca: Buffer.from("x") }), "https://localhost:5000");
  assert.equal(origin("oci://localhost:5000/app", { insecure: true }), "https://localhost:5000");
  assert.equal(origin("oci://localhost:5000/app", { insecure: false }), "http://localhost:5000");
  for (const host of ["registry:5000", "localhost.example.com", "127.0.0.1.nip.io", "10.0.0.1:80"])
    assert.equal(origin(`oci://${host}/app`), `https://${host}`);
});

test("the name of a file is the last part of the repository", () => {
  assert.equal(nameOf(parseOci("oci://ghcr.io/team/charts/web:1.2")), "web");
});

test("what is no reference is told, with what to write", () => {
  const mistakes: Record<string, RegExp> = {
    "oci://": /write oci:/,
    "oci://registry.example.com": /write oci:/,
    "oci://registry.example.com/": /write oci:/,
    "oci:team/app": /write oci:/,
    "oci://r/app?x=1": /write oci:/,
    "oci://r/app#x": /write oci:/,
    "oci://user:hunter2@r/app": /credentials; give them with user or in DOCKER_CONFIG/,
    "oci://r:port/app": /no host/,
    "oci://r:99999/app": /no host/,
    "oci://r/App": /small letters/,
    "oci://r/a//b": /repository/,
    "oci://r/a/../b": /repository/,
    "oci://r/%2e%2e/b": /repository/,
    "oci://r/app:": /tag/,
    "oci://r/app:v1:v2": /tag/,
    "oci://r/app@sha256:abc": /digest/,
    [`oci://r/app@sha256:${hex.toUpperCase()}`]: /digest/,
    "oci://r/app@md5:abc": /neither sha256:HEX nor sha512:HEX/,
    [`oci://r/${"a".repeat(256)}`]: /repository/,
  };
  for (const [text, message] of Object.entries(mistakes)) {
    assert.throws(() => parseOci(text), message, text);
    assert.throws(
      () => parseOci(text),
      (error: Error) => !error.message.includes("hunter2"),
    );
  }
});

const part = fc.stringMatching(/^[a-z0-9]{1,8}(?:[._-][a-z0-9]{1,8})?$/);
const references = fc.record({
  host: fc.stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z]\.example(?::[1-9][0-9]{0,3})?$/),
  repository: fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/")),
  tag: fc.option(fc.stringMatching(/^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,20}$/), { nil: undefined }),
  digest: fc.option(fc.stringMatching(/^[0-9a-f]{64}$/), { nil: undefined }),
});

test("every reference is read as it was written, as text and as the href of a URL", () => {
  fc.assert(
    fc.property(references, ({ host, repository, tag, digest }) => {
      const version = `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@sha256:${digest}`}`;
      const text = `oci://${host}/${repository}${version}`;
      const parsed = parseOci(text);
      assert.deepEqual(parseOci(new URL(text).href), parsed);
      assert.equal(parsed.host, host);
      assert.equal(parsed.repository, repository);
      assert.equal(parsed.tag, tag ?? (digest === undefined ? "latest" : undefined));
      assert.equal(parsed.digest?.hex, digest);
    }),
  );
});

test("whatever is accepted stays in the folder of the registry's API that it should", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (rest) => {
      let reference;
      try {
        reference = parseOci(`oci://r.example/${rest}`);
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof TypeError));
        return;
      }
      const path = `/v2/${reference.repository}/manifests/${reference.tag ?? "x"}`;
      assert.equal(new URL(path, "https://r.example").pathname, path);
    }),
  );
});
