import assert from "node:assert/strict";
import { test } from "node:test";
import {
  accessDenied,
  error,
  framed,
  greeting,
  loginIn,
  ok,
  startMySql,
  switchTo,
  urlOf,
} from "../helpers/mysql.ts";
import { freePort, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

const once = ["--successes", "1"] as const;

test("a server that greets is ready, and is left by a login that fails, never by a hang-up alone", async () => {
  await using fake = await startMySql(() => accessDenied);
  const { report } = await ready(urlOf(fake, "app@", "/shop"));
  assert.equal(report["targets"][0].target, urlOf(fake, "", "/shop"));
  assert.equal(fake.counts.accepted, 2);
  assert.equal(fake.said.length, 2);
  const { user, proof, rest } = loginIn(fake.said[0]!);
  assert.deepEqual([user, proof.length, rest], ["initkit", 0, "mysql_native_password\0"]);
  await fake.idle();
});

test("a server that lets everybody in hears a goodbye", async () => {
  await using fake = await startMySql(() => ok);
  await ready(urlOf(fake), ...once);
  assert.equal(fake.counted.goodbyes, 1);
  await fake.idle();
});

test("a server that goes over to another plugin is answered in that plugin's words", async () => {
  for (const [plugin, answer] of [
    ["mysql_native_password", []],
    ["sha256_password", [0]],
    ["caching_sha2_password", [0]],
    ["dialog", []],
  ] as const) {
    await using fake = await startMySql((turn) => (turn === 0 ? switchTo(plugin) : accessDenied));
    await ready(urlOf(fake), ...once);
    assert.deepEqual([...fake.said[1]!], answer, plugin);
  }
});

test("a server that is slow to refuse a login is ready all the same", async () => {
  await using fake = await startMySql(() => []);
  await ready(urlOf(fake), ...once);
  await fake.idle();
});

test("a greeting may come byte by byte", async () => {
  await using peer = await startPeer((socket) => {
    const bytes = [...framed(0, greeting("mysql_native_password", false))];
    const drip = setInterval(() => {
      const byte = bytes.shift();
      if (byte === undefined) clearInterval(drip);
      else socket.write(Buffer.from([byte]));
    }, 1);
    socket.setNoDelay().once("data", () => socket.end(framed(2, accessDenied)));
    socket.once("close", () => clearInterval(drip));
  });
  await ready(urlOf(peer), ...once);
});

test("a server that is full or stops is not ready, and says so", async () => {
  for (const [code, says] of [
    [1040, "Too many connections"],
    [1053, "Server shutdown in progress"],
    [2013, "Lost connection to the backend"],
  ] as const) {
    await using fake = await startMySql(() => [], { first: error(code, says) });
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, `mysql:${code}`);
    assert.match(failure.message, new RegExp(`${says} \\(error ${code}\\)`));
    assert.ok(failure.hint);
    assert.equal(attempts, 3);
    await fake.idle();
  }
  await using stopping = await startMySql(() => error(1053, "Server shutdown in progress"));
  for (const userinfo of ["", "app:s3cret@"])
    assert.equal((await fails("not-ready", urlOf(stopping, userinfo))).failure.kind, "mysql:1053");
});

test("a server that lets in nobody from here refuses for good", async () => {
  for (const code of [1129, 1130]) {
    await using fake = await startMySql(() => [], { first: error(code, "Host '10.0.0.7' is not welcome") });
    const { failure, attempts } = await fails("refused", urlOf(fake));
    assert.equal(failure.kind, `mysql:${code}`);
    assert.equal(attempts, 1);
  }
});

test("silence, a hang-up and another protocol are told apart", async () => {
  const hello = framed(0, greeting("mysql_native_password", false));
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write(hello.subarray(0, 20))],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.end(hello)],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["protocol", (socket) => socket.write("\x15\x03\x01")],
    ["protocol", (socket) => socket.write(framed(0, Buffer.from("\x0a8.4.3\0too short")))],
    ["protocol", (socket) => socket.write(Buffer.concat([hello, framed(2, Buffer.from("what?"))]))],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("absent is met by a port that nobody listens on, not by a server that is full", async () => {
  await using fake = await startMySql(() => [], { first: error(1040, "Too many connections") });
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `mysql://127.0.0.1:${await freePort()}`);
});

test("absent is met by a database that is gone, not by a wrong password", async () => {
  await using gone = await startMySql(() => error(1049, "Unknown database 'shop'"));
  await ready("--absent", urlOf(gone, "app:s3cret@", "/shop"));
  await using strict = await startMySql(() => accessDenied);
  await fails("refused", "--absent", urlOf(strict, "app:s3cret@", "/shop"));
});
