import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { checksum, findDigest, sha256 } from "../../src/download/checksum.ts";

const hex256 = "a".repeat(63) + "1";
const hex512 = "b".repeat(127) + "2";
const found = { algorithm: "sha256", hex: hex256 };

test("a digest is read with its algorithm", () => {
  assert.deepEqual(sha256.parse(hex256.toUpperCase()), found);
  assert.deepEqual(checksum.parse(`sha256:${hex256}`), found);
  assert.deepEqual(checksum.parse(`SHA-512:${hex512}`), { algorithm: "sha512", hex: hex512 });
});

test("the URL of a sums file is a checksum", () => {
  for (const url of ["https://host/SHA256SUMS", "http://host/x?y=1", "file:///srv/sums"]) {
    assert.equal((checksum.parse(url) as URL).href, url);
  }
});

test("what is no digest is refused", () => {
  for (const bad of ["", "abc", `${hex256}0`, `sha256:${hex256}`, `${"g".repeat(64)}`]) {
    assert.throws(() => sha256.parse(bad), JSON.stringify(bad));
  }
  for (const bad of [
    "",
    hex256,
    "sha256:",
    `sha256:${hex512}`,
    `sha512:${hex256}`,
    `md5:${"a".repeat(32)}`,
    "ftp://host/sums",
    "file:sums",
  ]) {
    assert.throws(() => checksum.parse(bad), JSON.stringify(bad));
  }
});

for (const [what, list] of Object.entries({
  "text mode": `${hex256}  app.tar.gz\n`,
  "binary mode": `${hex256} *app.tar.gz\n`,
  "a leading ./": `${hex256}  ./app.tar.gz\n`,
  "a folder before the name": `${hex256}  dist/linux/app.tar.gz\n`,
  "BSD's form": `SHA256 (app.tar.gz) = ${hex256}\n`,
  "line ends of Windows": `${hex256}  app.tar.gz\r\n`,
  "upper case": `${hex256.toUpperCase()}  app.tar.gz\n`,
  "other files and a signature around it": `-----BEGIN PGP-----\n\n${"c".repeat(64)}  app.tar.gz.sig\n${hex256}  app.tar.gz\n-----END-----`,
  "nothing but the digest": `${hex256}\n`,
})) {
  test(`a sums file is understood with ${what}`, () =>
    assert.deepEqual(findDigest(list, "app.tar.gz"), found));
}

test("an escaped name in a sums file is that name", () => {
  assert.deepEqual(findDigest(`\\${hex256}  a\\nb\\\\c\n`, "a\nb\\c"), found);
});

test("an exact name goes before one in a folder", () => {
  const list = `${"c".repeat(64)}  other/app\n${hex256}  app\n`;
  assert.deepEqual(findDigest(list, "app"), found);
});

for (const [what, list] of Object.entries({
  "does not name the file": `${hex256}  other\n`,
  "names it twice with different digests": `${hex256}  app\n${"c".repeat(64)}  app\n`,
  "has an unknown kind of digest": `${"a".repeat(32)}  app\n`,
  "is empty": "",
  "is a web page": "<html>app</html>",
})) {
  test(`a sums file that ${what} says nothing`, () => assert.equal(findDigest(list, "app"), undefined));
}

test("whatever a sums file holds, its answer is a digest or none", () => {
  const piece = fc.oneof(
    fc.constantFrom("app", hex256, "  ", " *", "\n", "SHA256 (", ") = ", "\\"),
    fc.string(),
  );
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const answer = findDigest(pieces.join(""), "app");
      assert.ok(answer === undefined || /^[0-9a-f]{64}$|^[0-9a-f]{128}$/.test(answer.hex));
    }),
  );
});
