import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Pax } from "tar/pax";
import { parsePax } from "../../src/archive/pax.ts";
import { paxRecord } from "../helpers/archives.ts";

const integrity = { code: "integrity" };

test("records that another writer made are read as they were meant", () => {
  const text = fc
    .string({ minLength: 1, maxLength: 300, unit: "grapheme" })
    .filter((value) => !/[\0\n]/.test(value));
  const records = fc.record({ path: text, linkpath: text, size: fc.nat() });
  fc.assert(
    fc.property(records, (wanted) => {
      assert.deepEqual({ ...parsePax(Buffer.from(new Pax(wanted).encodeBody())) }, { ...wanted });
    }),
  );
});

test("whatever the bytes are, the answer is records or a refusal", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        parsePax(Buffer.from(bytes));
      } catch (error) {
        assert.equal((error as { code?: string }).code, "integrity");
      }
    }),
  );
});

test("a value may hold line ends and equals signs", () => {
  assert.equal(parsePax(paxRecord("path", "a=b\nc=d")).path, "a=b\nc=d");
});

test("a later record wins, an empty one says nothing, and unknown ones are passed over", () => {
  const body = Buffer.concat([
    paxRecord("path", "one"),
    paxRecord("comment", "whatever"),
    paxRecord("SCHILY.xattr.user.x", Buffer.from([0, 1, 255])),
    paxRecord("path", "two"),
    paxRecord("linkpath", ""),
    paxRecord("mtime", "1700000000.25"),
  ]);
  assert.deepEqual({ ...parsePax(body) }, { path: "two", mtime: 1_700_000_000.25 });
});

for (const [what, body] of Object.entries({
  "a name with a NUL byte": paxRecord("path", "a\0b"),
  "a target with a NUL byte": paxRecord("linkpath", "a\0b"),
  "a name that is not UTF-8": paxRecord("path", Buffer.from([0xe9])),
  "a negative size": paxRecord("size", "-1"),
  "a size that is no number": paxRecord("size", "1e3"),
  "a size that is too large to be exact": paxRecord("size", "99999999999999999999"),
  "a time that is no number": paxRecord("mtime", "now"),
  "the old way of a sparse file": paxRecord("GNU.sparse.size", "10"),
  "the new way of a sparse file": paxRecord("GNU.sparse.major", "1"),
  "star's way of a sparse file": paxRecord("SCHILY.realsize", "10"),
  "a length that reaches beyond the header": Buffer.from("99 path=a\n"),
  "a length that is too short": Buffer.from("3 path=a\n"),
  "no length": Buffer.from("path=a\n"),
  "no equals sign": Buffer.from("8 path\n\n"),
  "no line end": Buffer.from("10 path=abc"),
})) {
  test(`an extended header with ${what} is refused`, () => assert.throws(() => parsePax(body), integrity));
}
