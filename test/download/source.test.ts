import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nameIn, shownSource, sourceUrl } from "../../src/download/source.ts";

test("http, https and file URLs are sources", () => {
  for (const url of [
    "http://host/x",
    "https://user:secret@host:8443/x?sig=1",
    "file:///srv/x",
    "file:/srv/x",
    "file://localhost/srv/x",
  ]) {
    assert.ok(sourceUrl.parse(url) instanceof URL, url);
  }
});

test("anything else is no source", () => {
  for (const url of [
    "",
    "host/x",
    "/srv/x",
    "ftp://host/x",
    "s3://bucket",
    "oci://registry",
    "gs://bucket/x",
    "https://",
    "file:x",
    "file://host/x",
    "file:///a%2fb",
  ]) {
    assert.throws(() => sourceUrl.parse(url), url);
  }
});

test("a source is shown without its secrets", () => {
  assert.equal(
    shownSource(new URL("https://user:secret@host:8443/a/b?X-Amz-Signature=1#x")),
    "https://host:8443/a/b",
  );
  assert.equal(shownSource(new URL("file:///srv/a%20b")), "/srv/a b");
});

test("the name of a file is the last part of the path, decoded", () => {
  assert.equal(nameIn(new URL("https://host/a/b%20c.tgz?x=/y#z")), "b c.tgz");
  for (const url of [
    "https://host",
    "https://host/a/",
    "https://host/a%2fb",
    "https://host/%00",
    "https://host/%ff",
    `https://host/${"n".repeat(256)}`,
  ]) {
    assert.equal(nameIn(new URL(url)), undefined, url);
  }
});

test("no URL has a name that could lead elsewhere", () => {
  const piece = fc.oneof(fc.constantFrom("..", "%2e%2e", "%2f", "/", "\\", "%5c", "%00", "."), fc.webPath());
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const name = nameIn(new URL(`https://host/${pieces.join("")}`));
      assert.ok(name === undefined || (!/[/\0]/.test(name) && name !== "" && name !== "." && name !== ".."));
    }),
  );
});
