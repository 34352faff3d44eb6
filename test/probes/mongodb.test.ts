import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { TLSSocket } from "node:tls";
import { issue } from "../helpers/certificates.ts";
import type { Fields } from "../helpers/bson.ts";
import { error, failsAt, standalone, startMongo, urlOf } from "../helpers/mongodb-fake.ts";
import { freePort, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

const member: Fields = { isWritablePrimary: false, secondary: false, setName: "rs0", ok: 1 };

const once = ["--successes", "1"];

test("a server that is alone, a primary, a secondary or a router is ready without a password", async () => {
  for (const greeting of [
    standalone,
    { ismaster: true, ok: 1 },
    { ...member, isWritablePrimary: true },
    { ...member, secondary: true },
    { isWritablePrimary: true, msg: "isdbgrid", ok: 1 },
    { ok: 1 },
  ]) {
    await using fake = await startMongo({ hello: () => greeting });
    await ready(urlOf(fake, "", "/shop"), ...once);
    assert.deepEqual(fake.commands, [{ hello: 1, helloOk: true, $db: "admin" }]);
    await fake.idle();
  }
});

test("a database must be ready twice, unless told otherwise", async () => {
  await using fake = await startMongo();
  const { report } = await ready(urlOf(fake, "", "/shop"));
  assert.equal(report["targets"][0].target, urlOf(fake, "", "/shop"));
  assert.equal(fake.counts.accepted, 2);
});

test("a server from before hello is asked by its old name", async () => {
  await using fake = await startMongo({
    hello: (command) =>
      "isMaster" in command ? standalone : error(59, "CommandNotFound", "no such command: 'hello'"),
  });
  await ready(urlOf(fake), ...once);
  assert.deepEqual(
    fake.commands.map((command) => Object.keys(command)[0]),
    ["hello", "isMaster"],
  );
});

test("an answer is understood however it comes: byte by byte, and with a checksum", async () => {
  const users = [{ name: "me", password: "s3cret" }];
  await using slow = await startMongo({ users, drips: true });
  await ready(urlOf(slow, "me:s3cret@"), ...once);
  await using careful = await startMongo({ users, hasChecksums: true });
  await ready(urlOf(careful, "me:s3cret@"), ...once);
});

test("a member that is not initialized, recovering or an arbiter is not ready, and says which", async () => {
  const info = "Does not have a valid replica set config";
  for (const [greeting, says] of [
    [{ isWritablePrimary: false, secondary: false, isreplicaset: true, info, ok: 1 }, /valid replica set/],
    [member, /neither primary nor secondary in its replica set "rs0"/],
    [{ ...member, arbiterOnly: true }, /arbiter/],
  ] satisfies [Fields, RegExp][]) {
    const { failure, attempts } = await failsAt("not-ready", { hello: () => greeting }, "me:s3cret@");
    assert.equal(failure.kind, "mongodb:state");
    assert.match(failure.message, says);
    assert.ok(failure.hint);
    assert.equal(attempts, 3);
  }
});

test("a server that is shutting down or recovering is not ready, in its own words", async () => {
  for (const code of [91, 11600, 11602, 13435, 13436, 0]) {
    const hello = () => error(code, "Name", "wait a\n\u001bbit");
    const { failure } = await failsAt("not-ready", { hello });
    assert.equal(failure.kind, `mongodb:${code}`);
    assert.match(failure.message, /"wait a\\n\\u001bbit"/);
  }
});

test("the replica set that the URL names must be the server's", async () => {
  const primary = () => ({ ...member, isWritablePrimary: true });
  await using fake = await startMongo({ hello: primary });
  await ready(urlOf(fake, "", "/?replicaSet=rs0"), ...once);
  await ready(urlOf(fake, "", "/?replicaset=rs0"), ...once);
  const { failure } = await failsAt("not-ready", { hello: primary }, "", "/?replicaSet=rs1");
  assert.equal(failure.kind, "mongodb:set-name");
  assert.match(failure.message, /"rs0".*"rs1"/);
  const alone = await failsAt("not-ready", {}, "", "/?replicaSet=rs1");
  assert.equal(alone.failure.kind, "mongodb:set-name");
});

test("of several hosts one is enough", async () => {
  await using recovering = await startMongo({ hello: () => member });
  await using primary = await startMongo({ hello: () => ({ ...member, isWritablePrimary: true }) });
  const hosts = [await freePort(), recovering.port, primary.port].map((port) => `127.0.0.1:${port}`);
  await ready(`mongodb://${hosts.join(",")}/?replicaSet=rs0`);
});

test("silence, a hang-up and another protocol are told apart, the last at its first wrong byte", async () => {
  const head = (length: number, to: number, opcode: number) =>
    Buffer.from(Int32Array.of(length, 9, to, opcode).buffer);
  const says = (bytes: string | Buffer) => (socket: Socket) => void socket.write(bytes);
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", says("\x20\0\0")],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["protocol", says("HTT")],
    ["protocol", says("\x15\x03\x01")],
    ["protocol", says(Buffer.from([255, 255, 255, 255]))],
    ["protocol", says(Buffer.from([4, 0, 0, 0]))],
    ["protocol", says(head(36, 2, 2013))],
    ["protocol", says(head(36, 1, 1))],
    ["protocol", says(Buffer.concat([head(26, 1, 2013), Buffer.alloc(10)]))],
    ["protocol", says(Buffer.concat([head(26, 1, 2013), Buffer.from("\0\0\0\0\x01\x05\0\0\0\0")]))],
  ] satisfies [string, (socket: Socket) => void][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("TLS is spoken where the URL says so, and verified unless it says otherwise", async () => {
  const { cert, key } = issue({ names: ["localhost"] });
  const over = (socket: Socket) => new TLSSocket(socket, { isServer: true, cert, key });
  await using fake = await startMongo({ over });
  for (const insecure of ["tlsInsecure", "tlsAllowInvalidCertificates"])
    await ready(urlOf(fake, "", `/?tls=true&${insecure}=true`), ...once);
  await ready("--insecure", urlOf(fake, "", "/?SSL=true"), ...once);
  const { failure } = await fails("not-ready", urlOf(fake, "", "/?tls=true"));
  assert.equal(failure.kind, "tls:certificate");
  await fake.idle();
});

test("absent is met by a port that nobody listens on, not by a member that recovers", async () => {
  await using fake = await startMongo({ hello: () => member });
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", urlOf({ port: await freePort() }));
});
