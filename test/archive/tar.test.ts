import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { gnuLong, pax, tar, tarEnd, tarEntry } from "../helpers/archives.ts";
import { readTar } from "./collect.ts";

const integrity = { code: "integrity" };
const long = `${"long/".repeat(60)}name`;

const sample = tar(
  { name: "folder/", type: "5", mode: 0o755 },
  { name: "folder/empty", content: "" },
  { name: "folder/file", content: "x".repeat(512), mode: 0o600, mtime: 1234 },
  { name: "odd", content: "y".repeat(700) },
  { name: "link", type: "2", link: "folder/file" },
  { name: "hard", type: "1", link: "odd" },
  pax({ path: long, mtime: "99.5" }),
  { name: "cut", content: "pax" },
  gnuLong(long),
  gnuLong(`${long}/target`, "K"),
  { name: "cut", type: "2", link: "cut" },
);

test("all kinds of entries are told with their content", () => {
  const { entries, ended } = readTar(sample);
  assert.deepEqual(
    entries.map(({ name, type, target, content }) => [name, type, target, content.length]),
    [
      ["folder/", "folder", "", 0],
      ["folder/empty", "file", "", 0],
      ["folder/file", "file", "", 512],
      ["odd", "file", "", 700],
      ["link", "symlink", "folder/file", 0],
      ["hard", "hardlink", "odd", 0],
      [long, "file", "", 3],
      [long, "symlink", `${long}/target`, 0],
    ],
  );
  assert.equal(ended, 4, "each file ends once");
  assert.equal(entries[2]!.mode, 0o600);
  assert.equal(entries[2]!.mtime, 1234);
  assert.equal(entries[6]!.mtime, 99.5);
});

test("it does not matter in which chunks an archive comes", () => {
  const whole = readTar(sample).entries;
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 20 }), (sizes) => {
      assert.deepEqual(readTar(sample, sizes).entries, whole);
    }),
    { numRuns: 50 },
  );
});

test("an archive that is cut off anywhere before its end is refused", () => {
  for (let length = 0; length <= sample.length - tarEnd.length; length += 128) {
    assert.throws(() => readTar(sample.subarray(0, length)), integrity, `${length} bytes`);
  }
  readTar(sample.subarray(0, sample.length - 512));
});

test("a block of zeros between entries is a hole, not the end", () => {
  const holed = Buffer.concat([tarEntry({ name: "a" }), Buffer.alloc(512), tarEntry({ name: "b" }), tarEnd]);
  assert.throws(() => readTar(holed), integrity);
});

test("what follows the end is no part of the archive", () => {
  const { entries } = readTar(Buffer.concat([sample, Buffer.from("rubbish".repeat(500))]));
  assert.equal(entries.length, 8);
});

test("an empty archive has no entries", () => assert.deepEqual(readTar(tarEnd).entries, []));

test("old archives mark folders with a slash only", () => {
  assert.equal(readTar(tar({ name: "old/", type: "\0", magic: "\0" })).entries[0]!.type, "folder");
  assert.throws(() => readTar(tar({ name: "old/", content: "hidden" })), integrity);
});

test("what the size field of a folder or link says is no content", () => {
  const { entries } = readTar(
    tar({ name: "d", type: "5", size: 4096 }, { name: "l", type: "2", link: "x", size: 9 }),
  );
  assert.deepEqual(
    entries.map(({ name }) => name),
    ["d", "l"],
  );
});

test("an extended header speaks of the file after it, not of a header in between (CVE-2026-53655)", () => {
  const smuggled = tar(pax({ size: "0" }), gnuLong("name"), { name: "x", content: "content" });
  assert.throws(() => readTar(smuggled), integrity, "the content is no header");
  const honest = readTar(
    tar(pax({ size: "7" }), gnuLong("name"), { name: "x", content: "content", size: 0 }),
  );
  assert.deepEqual(
    honest.entries.map(({ name, content }) => [name, content]),
    [["name", "content"]],
  );
});

test("the comment of a commit before everything is no entry", () => {
  const { entries } = readTar(tar(pax({ comment: "1f2e3d", mtime: "5" }, "g"), { name: "f", content: "x" }));
  assert.deepEqual(
    entries.map(({ name, mtime }) => [name, mtime]),
    [["f", 5]],
  );
});

test("the label of a volume is no entry", () => {
  assert.deepEqual(
    readTar(tar({ name: "label", type: "V" }, { name: "f" })).entries.map(({ name }) => name),
    ["f"],
  );
});

test("devices and FIFOs are told for what they are", () => {
  const types = ["3", "4", "6"].map((type) => readTar(tar({ name: "x", type })).entries[0]!.type);
  assert.deepEqual(types, ["character device", "block device", "FIFO"]);
});

for (const [what, bytes] of Object.entries({
  "a damaged header in the middle": Buffer.concat([tarEntry({ name: "a" }), Buffer.alloc(512, 7), tarEnd]),
  "an extended header at its end": tar(pax({ path: "x" })),
  "an extended header of more than 1 MiB": tar(pax({ comment: "x".repeat(1 << 20) }), { name: "f" }),
  "a long name of a gigabyte": Buffer.concat([
    tarEntry({ name: "L", type: "L", size: 1 << 30 }),
    Buffer.alloc(5120),
  ]),
  "a global name": tar(pax({ path: "everything" }, "g"), { name: "f" }),
  "a sparse file of old GNU tar": tar({ name: "s", type: "S" }),
  "a folder dump of GNU tar": tar({ name: "d", type: "D" }),
  "an entry of an unknown type": tar({ name: "q", type: "Q" }),
})) {
  test(`an archive with ${what} is refused`, () => assert.throws(() => readTar(bytes), integrity));
}

test("whatever the bytes are, the answer is entries or a refusal", () => {
  const edits = fc.array(fc.tuple(fc.nat(sample.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(edits, (changes) => {
      const damaged = Buffer.from(sample);
      for (const [at, byte] of changes) damaged[at] = byte;
      try {
        readTar(damaged);
      } catch (error) {
        assert.equal((error as { code?: string }).code, "integrity");
      }
    }),
  );
});
