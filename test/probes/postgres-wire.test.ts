import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { answerIn, startupMessage } from "../../src/probes/postgres-wire.ts";

/** A message of the protocol: type, length, body. */
function message(type: string, body: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
}

const authentication = message("R", Buffer.from([0, 0, 0, 10, ...Buffer.from("SCRAM-SHA-256\0\0")]));
const starting = message("E", Buffer.from("SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"));

test("the start-up message names the user, and the database where there is one", () => {
  const bytes = startupMessage("me", "app");
  assert.equal(bytes.readInt32BE(0), bytes.length);
  assert.equal(bytes.readInt32BE(4), 196_608);
  assert.equal(bytes.toString("utf8", 8), "user\0me\0database\0app\0\0");
  assert.equal(startupMessage("me", undefined).toString("utf8", 8), "user\0me\0\0");
});

test("a request to authenticate and an error are told apart", () => {
  assert.deepEqual(answerIn(authentication), {});
  assert.deepEqual(answerIn(starting), {
    error: { sqlState: "57P03", message: "the database system is starting up" },
  });
});

test("an error from before the protocol is plain text", () => {
  const bytes = Buffer.from(
    "Ecould not fork new process for connection: Resource temporarily unavailable\n\0",
  );
  assert.equal(answerIn(bytes) !== "foreign" && answerIn(bytes) !== undefined, true);
  assert.match(JSON.stringify(answerIn(bytes)), /could not fork/);
});

test("the answer is the same however the bytes come", () => {
  for (const whole of [authentication, starting]) {
    for (let length = 0; length < whole.length; length++)
      assert.equal(answerIn(whole.subarray(0, length)), undefined);
    assert.deepEqual(answerIn(Buffer.concat([whole, Buffer.from("S....")])), answerIn(whole));
  }
});

test("other protocols are told as foreign, and never wait for more than a message", () => {
  for (const text of ["HTTP/1.1 400 Bad Request\r\n", "SSH-2.0", "-ERR unknown command\r\n", "\0\0\0"]) {
    assert.equal(answerIn(Buffer.from(text)), "foreign", text);
  }
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 5, maxLength: 64 }), (bytes) => {
      const long = Buffer.concat([Buffer.from(bytes), Buffer.alloc(40_000, "x")]);
      assert.notEqual(answerIn(long), undefined);
    }),
  );
});
