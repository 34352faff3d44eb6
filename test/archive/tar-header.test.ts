import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Header } from "tar/header";
import { blockSize, hasChecksum, nameText, parseHeader } from "../../src/archive/tar-header.ts";
import { sealed, tarEntry } from "../helpers/archives.ts";

const block = (entry: Parameters<typeof tarEntry>[0]): Buffer => tarEntry(entry).subarray(0, blockSize);
const integrity = { code: "integrity" };

const part = fc.stringMatching(/^[a-z0-9é._-]{1,20}$/);
const name = fc.array(part, { minLength: 1, maxLength: 8 }).map((parts) => parts.join("/"));

test("a header that another writer made is read as it was meant", () => {
  const header = fc.record({
    path: name.filter((path) => Buffer.byteLength(path) < 90),
    size: fc.nat(0o7777777777),
    mode: fc.nat(0o7777),
    mtime: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => new Date(seconds * 1000)),
  });
  fc.assert(
    fc.property(header, (wanted) => {
      const written = new Header({ ...wanted, type: "File", uid: 0, gid: 0 });
      written.encode();
      const { name: found, size, mode, mtime, type } = parseHeader(written.block!);
      assert.deepEqual(
        { path: nameText(found), size, mode, mtime: new Date(mtime * 1000), type },
        { ...wanted, type: "0" },
      );
    }),
  );
});

test("content is not mistaken for a header", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: blockSize, maxLength: blockSize }), (bytes) => {
      assert.equal(hasChecksum(Buffer.from(bytes)), false);
      assert.throws(() => parseHeader(Buffer.from(bytes)), integrity);
    }),
  );
});

test("any single byte that is changed in a header is noticed", () => {
  const good = block({ name: "file", content: "x" });
  for (let at = 0; at < blockSize; at++) {
    if (at >= 148 && at < 156) continue;
    const bad = Buffer.from(good);
    bad[at] = bad[at]! ^ 0x21;
    assert.throws(() => parseHeader(bad), integrity, `byte ${at}`);
  }
});

test("a name is joined with the prefix of ustar, but not with what other formats keep at that place", () => {
  assert.equal(nameText(parseHeader(block({ name: "file", prefix: "a/b" })).name), "a/b/file");
  assert.equal(
    nameText(parseHeader(block({ name: "file", prefix: "a/b", magic: "ustar  \0" })).name),
    "file",
  );
  assert.equal(nameText(parseHeader(block({ name: "file", prefix: "a/b", magic: "\0" })).name), "file");
});

test("a prefix of full length is read whole", () => {
  const prefix = `${"p".repeat(76)}/${"q".repeat(78)}`;
  assert.equal(
    nameText(parseHeader(block({ name: "n".repeat(100), prefix })).name),
    `${prefix}/${"n".repeat(100)}`,
  );
});

test("numbers are read in octal and in base 256", () => {
  const base256 = (hex: string) => Buffer.from(hex, "hex").toString("latin1");
  const sizeOf = (size: string) => parseHeader(block({ name: "f", size })).size;
  assert.equal(sizeOf("00000000017\0"), 15);
  assert.equal(sizeOf("         17 "), 15);
  assert.equal(sizeOf("77777777777\0"), 0o77777777777);
  assert.equal(sizeOf("\0".repeat(12)), 0);
  assert.equal(sizeOf(base256("800000000000000200000000")), 2 ** 33);
});

for (const [what, size] of [
  ["negative", Buffer.from("ffffffffffffffffffffff00", "hex").toString("latin1")],
  ["too large to be exact", Buffer.from("800000002000000000000000", "hex").toString("latin1")],
  ["not octal", "0000000009z\0"],
  ["written with a minus", "-0000000017\0"],
] as const) {
  test(`a size that is ${what} is refused`, () => {
    assert.throws(() => parseHeader(block({ name: "f", size })), integrity);
  });
}

test("a checksum of signed bytes, as some old writers made it, is taken", () => {
  const old = block({ name: "grün" });
  const sum = old.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 32 : (byte << 24) >> 24), 0);
  old.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  assert.equal(nameText(parseHeader(old).name), "grün");
});

test("a name that is not UTF-8 is refused rather than mistaken for another", () => {
  assert.throws(() => nameText(parseHeader(block({ name: Buffer.from([0x66, 0xe9]) })).name), integrity);
});

test("a block of zeros is no header", () => {
  assert.throws(() => parseHeader(Buffer.alloc(blockSize)), integrity);
  assert.throws(() => parseHeader(sealed(Buffer.alloc(blockSize)).fill(0, 148, 156)), integrity);
});
