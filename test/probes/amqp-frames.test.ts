import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentOf, lengthIn, methodFrame, protocolHeader } from "../../src/probes/amqp-frames.ts";
import { readMethod } from "../../src/probes/amqp-methods.ts";

const tune = methodFrame(30, Buffer.from([0, 7, 0, 2, 0, 0, 0, 60]));
const heartbeat = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);

test("a frame is the same however its bytes come, and whatever follows it", () => {
  for (const whole of [tune, heartbeat, protocolHeader]) {
    for (let length = 0; length < whole.length; length++) {
      const told = lengthIn(whole.subarray(0, length));
      assert.ok(told === undefined || told === whole.length, `${length} bytes: ${told}`);
    }
    assert.equal(lengthIn(Buffer.concat([whole, Buffer.from("rest")])), whole.length);
  }
  assert.deepEqual(readMethod(contentOf(tune) as never), { name: "tune", channelMax: 7, frameMax: 131_072 });
  assert.equal(contentOf(heartbeat), "heartbeat");
});

test("another version of the protocol is told by the header that a server answers with", () => {
  for (const [bytes, version] of [
    ["\0\0\x09\x01", "0-9-1"],
    ["\x03\x01\0\0", "1-0-0"],
    ["\x01\x01\0\x0a", "0-10"],
  ] as const)
    assert.deepEqual(contentOf(Buffer.from(`AMQP${bytes}`, "latin1")), { version });
});

test("other protocols are told from their first wrong byte", () => {
  for (const bytes of [
    "H",
    "220 mail",
    "AMQX",
    "AB",
    "\x15\x03\x01",
    "\x01\x01",
    "\x01\0\x01",
    "\x01\0\0\x7f\xff\xff\xff",
    "\x01\0\0\0\0\0\0!",
  ])
    assert.equal(lengthIn(Buffer.from(bytes, "latin1")), "foreign", JSON.stringify(bytes));
});

test("any bytes are a frame, too few or of another protocol", () => {
  const anything = fc.uint8Array({ maxLength: 64 });
  const starts = fc.constantFrom("", "AMQP", "\x01\0\0", "\x01\0\0\0\0\0", "\x08\0\0\0\0\0");
  fc.assert(
    fc.property(starts, anything, (start, rest) => {
      const bytes = Buffer.concat([Buffer.from(start, "latin1"), rest]);
      const length = lengthIn(bytes);
      if (typeof length === "number" && length <= bytes.length) contentOf(bytes.subarray(0, length));
    }),
  );
  fc.assert(
    fc.property(fc.nat({ max: 0xffff }), anything, (method, bytes) => {
      const fields = Buffer.from(bytes);
      assert.deepEqual(contentOf(methodFrame(method, fields)), { method, fields });
    }),
  );
});

test("any fields of a method are read, or told to make no sense", () => {
  const anyMethod = fc.record({ method: fc.constantFrom(10, 30, 41, 50, 51, 60), fields: fc.uint8Array() });
  fc.assert(
    fc.property(anyMethod, ({ method, fields }) => {
      readMethod({ method, fields: Buffer.from(fields) });
    }),
  );
  assert.equal(readMethod({ method: 50, fields: Buffer.from("\x01\x93\x09short", "latin1") }), undefined);
  assert.equal(
    readMethod({ method: 10, fields: Buffer.from("\0\x09\xff\xff\xff\xff", "latin1") }),
    undefined,
  );
});
