import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import {
  contentOf,
  lengthIn,
  type Method,
  methodFrame,
  uint16,
  uint32,
} from "../../src/probes/amqp-frames.ts";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

const short = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text)]);
const long = (text: string): Buffer => Buffer.concat([uint32(text.length), Buffer.from(text)]);

const start = (mechanisms = "AMQPLAIN PLAIN"): Buffer =>
  methodFrame(10, Buffer.from([0, 9]), long("\x07productS\0\0\0\x04fake"), long(mechanisms), long("en_US"));
const tune = methodFrame(30, uint16(2047), uint32(131_072), uint16(60));
const openOk = methodFrame(41, short(""));
const closeOk = methodFrame(51);
const closed = (code: number, text: string): Buffer =>
  methodFrame(50, uint16(code), short(text), uint16(10), uint16(11));

const names: Readonly<Record<number, string>> = {
  11: "start-ok",
  31: "tune-ok",
  40: "open",
  50: "close",
  51: "close-ok",
};

interface Fake extends Peer {
  /** The methods that have come, with their fields. */
  readonly heard: { name: string; fields: string }[];
}

type Answers = Readonly<Record<string, Buffer>>;

const willing: Answers = { header: start(), "start-ok": tune, open: openOk, close: closeOk };

/** A server with an answer to the header and to each method. */
async function startFake(answers: Answers = willing): Promise<Fake> {
  const heard: Fake["heard"] = [];
  const peer = await startPeer((socket) => {
    let received: Buffer = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let message; (message = messageIn(received)); received = received.subarray(message.length))
        answer(socket, message);
    });
  });
  const answer = (socket: Socket, message: Buffer) => {
    const { name, fields } = nameOf(message);
    heard.push({ name, fields: fields.toString("latin1") });
    if (answers[name]) socket.write(answers[name]);
    if (name.startsWith("close")) socket.end();
  };
  return Object.assign(peer, { heard });
}

/** The first message of what has come, if it is there whole. */
function messageIn(received: Buffer): Buffer | undefined {
  const length = lengthIn(received);
  assert.notEqual(length, "foreign");
  return typeof length === "number" && length <= received.length ? received.subarray(0, length) : undefined;
}

function nameOf(message: Buffer): { name: string; fields: Buffer } {
  const content = contentOf(message) as Method | { version: string };
  if ("version" in content) return { name: "header", fields: Buffer.from(content.version) };
  return { name: names[content.method]!, fields: content.fields };
}

const said = ({ heard }: Fake): string[] => heard.map(({ name }) => name);
const fieldsOf = ({ heard }: Fake, name: string): string =>
  heard.find((method) => method.name === name)!.fields;
const urlOf = ({ port }: Peer, userinfo = "", rest = ""): string =>
  `amqp://${userinfo}127.0.0.1:${port}${rest}`;

test("a server that begins the handshake is ready, and not asked for more", async () => {
  await using fake = await startFake();
  await ready(urlOf(fake));
  await ready(urlOf(fake, "guest@", "/app"));
  assert.deepEqual(said(fake), ["header", "header"]);
  await fake.idle();
});

test("a handshake that comes byte by byte is one", async () => {
  await using fake = await startPeer((socket) => {
    socket.setNoDelay();
    const bytes = [...start()];
    const drip = () =>
      socket.write(Buffer.from([bytes.shift()!]), () => bytes.length > 0 && setImmediate(drip));
    socket.once("data", drip);
  });
  await ready(urlOf(fake));
  await fake.idle();
});

test("a password logs in, opens the virtual host, and says goodbye", async () => {
  await using fake = await startFake();
  await ready(urlOf(fake, "app:s3cret@", "/shop"));
  assert.deepEqual(said(fake), ["header", "start-ok", "tune-ok", "open", "close"]);
  assert.match(fieldsOf(fake, "start-ok"), /initkit.*authentication_failure_close.*PLAIN.*\0app\0s3cret/s);
  assert.equal(
    fieldsOf(fake, "tune-ok"),
    "\x07\xff\0\x02\0\0\0\0",
    "the limits of the server, no heartbeats",
  );
  await fake.idle();
});

test("AMQPLAIN logs in where PLAIN is not offered", async () => {
  await using fake = await startFake({ ...willing, header: start("EXTERNAL AMQPLAIN") });
  await ready(urlOf(fake, ":s3cret@"));
  assert.match(fieldsOf(fake, "start-ok"), /AMQPLAIN.*LOGINS.{4}guest.*PASSWORDS.{4}s3cret/s);
});

test("the virtual host is the path, and / where there is none", async () => {
  for (const [path, virtualHost] of [
    ["", "/"],
    ["/", "/"],
    ["/%2F", "/"],
    ["/shop", "shop"],
    ["/a%2Fb", "a/b"],
  ] as const) {
    await using fake = await startFake();
    await ready(urlOf(fake, "app:s3cret@", path));
    assert.equal(fieldsOf(fake, "open"), `${short(virtualHost).toString()}\0\0`, path);
  }
});

test("heartbeats between the methods are passed over", async () => {
  const heartbeat = Buffer.from([8, 0, 0, 0, 0, 0, 0, 0xce]);
  await using fake = await startFake({ ...willing, open: Buffer.concat([heartbeat, openOk]) });
  await ready(urlOf(fake, "app:s3cret@"));
});

test("a wrong password and an unknown virtual host are refused at once, and the close is acknowledged", async () => {
  const login = closed(403, "ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN");
  const unknown = closed(530, "NOT_ALLOWED - vhost shop not found");
  for (const [kind, answers] of [
    ["amqp:403", { ...willing, "start-ok": login }],
    ["amqp:530", { ...willing, open: unknown }],
  ] as const) {
    await using fake = await startFake(answers);
    const { failure, attempts } = await fails("refused", urlOf(fake, "app:s3cret@", "/shop"));
    assert.equal(failure.kind, kind);
    assert.match(failure.message, /ACCESS_REFUSED|not found/);
    assert.doesNotMatch(failure.message, /s3cret/);
    assert.equal(attempts, 1);
    await fake.idle();
    assert.equal(said(fake).at(-1), "close-ok");
  }
});

test("a server that takes no password, or a name that no virtual host can have, is refused", async () => {
  await using external = await startFake({ header: start("EXTERNAL") });
  await ready(urlOf(external));
  const { failure } = await fails("refused", urlOf(external, "app:s3cret@"));
  assert.equal(failure.kind, "amqp:mechanism");
  await using fake = await startFake();
  const tooLong = await fails("refused", urlOf(fake, "app:s3cret@", `/${"x".repeat(256)}`));
  assert.equal(tooLong.failure.kind, "amqp:530");
});

test("a server that stops, is at a limit or has lost its virtual host is not ready", async () => {
  for (const [code, text] of [
    [320, "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"],
    [530, "NOT_ALLOWED - access to vhost '/' refused for user 'app': connection limit (2) is reached"],
    [541, "INTERNAL_ERROR - access to vhost '/' refused for user 'app': vhost '/' is down"],
  ] as const) {
    await using fake = await startFake({ ...willing, open: closed(code, text) });
    const { failure, attempts } = await fails("not-ready", urlOf(fake, "app:s3cret@"));
    assert.equal(failure.kind, `amqp:${code}`);
    assert.ok(failure.message.endsWith(text), failure.message);
    assert.equal(attempts, 3);
  }
});

test("a server that closes, or says something else, when the handshake should begin is not ready", async () => {
  await using closing = await startFake({ header: closed(320, "CONNECTION_FORCED") });
  assert.equal((await fails("not-ready", urlOf(closing))).failure.kind, "amqp:320");
  await using confused = await startFake({ header: openOk });
  assert.equal((await fails("not-ready", urlOf(confused))).failure.kind, "protocol");
});

test("a server of another version is told by its header", async () => {
  await using fake = await startFake({ header: Buffer.from("AMQP\x03\x01\0\0", "latin1") });
  const { failure } = await fails("not-ready", urlOf(fake));
  assert.equal(failure.kind, "protocol");
  assert.match(failure.message, /AMQP 1-0-0/);
  assert.match(failure.hint!, /tcp:/);
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write("A")],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.once("data", () => socket.end(start().subarray(0, 20)))],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["protocol", (socket) => socket.write("AM_")],
    ["protocol", (socket) => socket.write("\x15\x03\x01")],
    ["protocol", (socket) => socket.write(Buffer.from([1, 0, 0, 0x7f, 0xff, 0xff, 0xff]))],
    ["protocol", (socket) => socket.write(methodFrame(10, Buffer.from([0, 9, 0xff, 0xff, 0xff, 0xff])))],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("silence, nonsense and a hang-up in the middle of a login are told apart too", async () => {
  const nothing = Buffer.alloc(0);
  for (const [stage, answer, kind] of [
    ["start-ok", nothing, "timeout"],
    ["start-ok", methodFrame(99), "protocol"],
    ["start-ok", openOk, "protocol"],
    ["open", nothing, "timeout"],
    ["open", tune, "protocol"],
    ["close", nothing, "reset"],
  ] as const) {
    await using fake = await startFake({ ...willing, [stage]: answer });
    const { failure } = await fails("not-ready", urlOf(fake, "app:s3cret@"), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, `${stage}: ${failure.message}`);
    await fake.idle();
  }
});

test("absent is met by a port that nobody listens on, not by a server that stops", async () => {
  await using fake = await startFake({ header: closed(320, "CONNECTION_FORCED") });
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `amqp://127.0.0.1:${await freePort()}`);
});
