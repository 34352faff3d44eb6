import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  firstPacketLength,
  greetingIn,
  handshakeResponse,
  packet,
  packetLength,
  replyIn,
  sslRequest,
} from "../../src/probes/mysql-wire.ts";

const nonce = Buffer.from(Array.from({ length: 20 }, (_, index) => index + 1));

/** As MariaDB 10.11 sends it, with the plugin that it is told. */
const greeting = (capabilities: number, plugin: string): Buffer => {
  const flags = Buffer.alloc(4);
  flags.writeUInt32LE(capabilities);
  return Buffer.concat([
    Buffer.from("\x0a5.5.5-10.11.19-MariaDB\0\x07\0\0\0"),
    nonce.subarray(0, 8),
    Buffer.from([0, ...flags.subarray(0, 2), 45, 2, 0, ...flags.subarray(2), 21, ...Buffer.alloc(10)]),
    nonce.subarray(8),
    Buffer.from(`\0${plugin}\0`),
  ]);
};

test("a greeting says what the login depends on", () => {
  assert.deepEqual(greetingIn(greeting(0x8_8a00, "caching_sha2_password")), {
    offersTls: true,
    namesPlugins: true,
    plugin: "caching_sha2_password",
    nonce,
  });
  const { offersTls, plugin } = greetingIn(greeting(0x8200, ""))!;
  assert.deepEqual([offersTls, plugin], [false, "mysql_native_password"]);
});

test("a packet is told from another protocol by its first bytes, however they come", () => {
  const whole = packet(0, greeting(0x8_8200, "mysql_native_password"));
  for (let length = 0; length <= whole.length; length++)
    assert.equal(firstPacketLength(whole.subarray(0, length)), length < 4 ? undefined : whole.length);
  for (const text of [
    "HTTP/1.1",
    "SSH-2.0",
    "+PONG\r\n",
    "\x15\x03\x01\x00\x02",
    "\0\0\0\0",
    "\x4a\0\0\0\x09",
  ])
    assert.equal(firstPacketLength(Buffer.from(text, "latin1")), "foreign", text);
});

test("errors come with and without an SQLSTATE", () => {
  for (const state of ["", "#08004"])
    assert.deepEqual(replyIn(Buffer.from(`\xff\x10\x04${state}Too many connections`, "latin1")), {
      type: "error",
      error: { code: 1040, message: "Too many connections" },
    });
});

test("a handshake response begins with what asks for TLS", () => {
  const server = greetingIn(greeting(0x8_8a00, "mysql_native_password"))!;
  const login = { user: "app", database: "shop", isEncrypted: true };
  const response = handshakeResponse(server, login, "mysql_native_password", Buffer.from("proof"));
  assert.deepEqual(response.subarray(0, 32), sslRequest(server, login));
  assert.equal(response.readUInt32LE(0), 0x8_aa09);
  assert.equal(response.toString("latin1", 32), "app\0\x05proofshop\0mysql_native_password\0");
});

test("any bytes end in a value or are foreign", () => {
  const bytes = fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array));
  const greetings = fc
    .tuple(bytes, fc.nat(120))
    .map(([noise, at]) => Buffer.concat([greeting(0x8_8a00, "x").subarray(0, at), noise]));
  fc.assert(
    fc.property(fc.oneof(bytes, greetings), (any) => {
      greetingIn(any);
      replyIn(any);
      for (const length of [packetLength(any), firstPacketLength(any)])
        assert.ok(length === undefined || length === "foreign" || (length > 4 && length < 0x1_0004));
    }),
  );
});
