import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { decodeBson, encodeBson, NotBson } from "../../src/probes/bson.ts";
import { lengthIn } from "../../src/probes/mongodb-wire.ts";
import { parse, serialize } from "../helpers/bson.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

test("the example of bsonspec.org is read and written", () => {
  const bytes = Buffer.from("\x16\0\0\0\x02hello\0\x06\0\0\0world\0\0", "latin1");
  assert.deepEqual(decodeBson(bytes), new Map([["hello", "world"]]));
  assert.deepEqual(encodeBson({ hello: "world" }), bytes);
});

test("a command is written in the order of its fields", () => {
  const command = {
    saslStart: 1,
    payload: Buffer.from("n,,"),
    options: { skip: true },
    $db: "k\u00f6\u00f6k",
  };
  assert.deepEqual(parse(encodeBson(command)), command);
  assert.deepEqual(Object.keys(parse(encodeBson(command))), Object.keys(command));
});

test("every type that answers have is read", () => {
  const answer = {
    ok: 1,
    half: 0.5,
    text: "gr\u00fc\u00df\0e",
    inner: { list: [1, "two", null] },
    bytes: Buffer.from("abc"),
    id: Buffer.alloc(12, 5),
    yes: true,
    at: new Date(1_700_000_000_000),
    none: null,
    number: -5,
    long: -(2n ** 63n),
  };
  const { inner, ...rest } = answer;
  const read = new Map(decodeBson(serialize(answer)));
  assert.deepEqual(read.get("inner"), new Map([["list", inner.list]]));
  read.delete("inner");
  assert.deepEqual(Object.fromEntries(read), rest);
  assert.deepEqual([...decodeBson(hex("10000000 11 7400 0100000002000000 00"))], [["t", 2n ** 33n + 1n]]);
});

test("broken documents are told: lengths, ends, types and nesting", () => {
  for (const broken of [
    "",
    "0500",
    "0400000000",
    "06000000 00",
    "05000000 00 00",
    "05000000 01",
    "ffffffff 00",
    "00000080 00",
    "06000000 00 00",
    "08000000 10 61 00 00",
    "0d000000 02 6100 ffffffff 00 00",
    "0d000000 02 6100 00000000 00 00",
    "0e000000 02 6100 01000000 41 00 00",
    "0e000000 05 6100 ffffff7f 00 00 00",
    "09000000 13 6100 00 00",
    "07000000 08 61 61",
  ])
    assert.throws(() => decodeBson(hex(broken)), NotBson, broken);
  let deep = hex("0500000000");
  for (let depth = 0; depth < 40; depth++) {
    const head = hex("00000000 03 6100");
    head.writeInt32LE(deep.length + 8);
    deep = Buffer.concat([head, deep, Buffer.alloc(1)]);
  }
  assert.throws(() => decodeBson(deep), NotBson);
});

test("any bytes are a document or NotBson", () => {
  const types = fc.constantFrom(1, 2, 3, 4, 5, 7, 8, 9, 10, 16, 17, 18, 19);
  const element = fc
    .tuple(types, fc.stringMatching(/^[a-z]{0,3}$/), fc.uint8Array({ maxLength: 24 }))
    .map(([type, name, content]) => Buffer.concat([Buffer.from([type]), Buffer.from(`${name}\0`), content]));
  const framed = fc.array(element, { maxLength: 4 }).map((elements) => {
    const body = Buffer.concat([Buffer.alloc(4), ...elements, Buffer.alloc(1)]);
    body.writeInt32LE(body.length);
    return body;
  });
  const anything = fc.uint8Array({ maxLength: 64 }).map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(fc.oneof(anything, framed), (bytes) => {
      try {
        assert.ok(decodeBson(bytes) instanceof Map);
      } catch (error) {
        assert.ok(error instanceof NotBson, String(error));
      }
    }),
  );
});

test("the length of a message is the same however its bytes come, and never absurd", () => {
  const start = Buffer.from(Int32Array.of(300, 7, 1, 2013).buffer);
  for (let length = 0; length <= start.length; length++)
    assert.equal(lengthIn(start.subarray(0, length)), length < 4 ? undefined : 300);
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 4, maxLength: 32 }), (bytes) => {
      const length = lengthIn(Buffer.from(bytes));
      assert.ok(length === "foreign" || (length! >= 26 && length! <= 65_535));
    }),
  );
});
