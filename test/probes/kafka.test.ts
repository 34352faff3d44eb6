import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  readAuthentication,
  readBrokerCount,
  readHandshake,
  readOffer,
} from "../../src/probes/kafka-answers.ts";
import { answerLength, decoded } from "../../src/probes/kafka-wire.ts";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

/** What a client asked, as the protocol guide lays it out. */
interface Question {
  readonly key: number;
  readonly version: number;
  readonly clientId: string;
  readonly body: Buffer;
}

/** Bodies of answers in hex, by the number of the request; what is missing ends the connection, as a broker does. */
type Script = Readonly<Record<number, string | ((question: Question) => string)>>;

interface Fake extends Peer {
  readonly asked: Question[];
}

async function startBroker(
  script: Script,
  write = (socket: NodeJS.WritableStream, answer: Buffer) => {
    socket.write(answer);
  },
): Promise<Fake> {
  const asked: Question[] = [];
  const peer = await startPeer((socket) => {
    let received = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      while (received.length >= 4 && received.length >= 4 + received.readUInt32BE(0)) {
        const end = 4 + received.readUInt32BE(0);
        const message = received.subarray(4, end);
        received = received.subarray(end);
        const clientEnd = 10 + message.readUInt16BE(8);
        const question = {
          key: message.readUInt16BE(0),
          version: message.readUInt16BE(2),
          clientId: message.toString("utf8", 10, clientEnd),
          body: message.subarray(clientEnd),
        };
        asked.push(question);
        const answer = script[question.key];
        if (answer === undefined) {
          socket.end();
          return;
        }
        const hex = typeof answer === "string" ? answer : answer(question);
        const content = Buffer.from(hex.replaceAll(" ", ""), "hex");
        const head = Buffer.alloc(4);
        head.writeUInt32BE(content.length + 4);
        write(socket, Buffer.concat([head, message.subarray(4, 8), content]));
      }
    });
  });
  return Object.assign(peer, { asked });
}

const text = (content: string): string =>
  content.length.toString(16).padStart(4, "0") + Buffer.from(content).toString("hex");

// Produce 0-11, Fetch 0-16, Metadata 0-13, SaslHandshake 0-1, ApiVersions 0-4, SaslAuthenticate 0-2.
const ofBroker =
  "0000 00000006 00000000000b 000100000010 00030000000d 001100000001 001200000004 002400000002";
const ofController = "0000 00000003 001100000001 001200000004 003700000002";
const noSasl = "0022 00000000";
const offersPlain = `0000 00000002 ${text("SCRAM-SHA-512")} ${text("PLAIN")}`;
const offersScram = `0021 00000002 ${text("SCRAM-SHA-256")} ${text("SCRAM-SHA-512")}`;
const oneBroker = `00000001 00000000 ${text("kafka-0.kafka")} 00002384 ffff 00000000 00000000`;
const noBroker = "00000000 ffffffff 00000000";

const plaintext: Script = { 18: ofBroker, 17: noSasl, 3: oneBroker };

const urlOf = ({ port }: Peer, userinfo = ""): string => `kafka://${userinfo}127.0.0.1:${port}`;

test("a broker that knows of a registered broker is ready, and is asked in its protocol's own words", async () => {
  await using fake = await startBroker(plaintext);
  await ready(urlOf(fake));
  const asked = fake.asked.map(({ key, version, clientId, body }) => [
    key,
    version,
    clientId,
    body.toString("hex"),
  ]);
  assert.deepEqual(asked, [
    [18, 0, "initkit", ""],
    [17, 1, "initkit", "0005504c41494e"],
    [3, 1, "initkit", "00000000"],
  ]);
  assert.equal(fake.counts.accepted, 1);
  await fake.idle();
});

test("an answer may come byte by byte", async () => {
  await using fake = await startBroker(plaintext, (socket, answer) => {
    const drip = (at: number) => {
      if (at === answer.length) return;
      socket.write(answer.subarray(at, at + 1));
      setImmediate(drip, at + 1);
    };
    drip(0);
  });
  await ready(urlOf(fake));
});

test("a broker that is not registered yet is not ready", async () => {
  let tries = 0;
  await using fake = await startBroker({ ...plaintext, 3: () => (++tries < 3 ? noBroker : oneBroker) });
  await ready(urlOf(fake));
  assert.equal(tries, 3);
  tries = -10;
  const { failure } = await fails("not-ready", urlOf(fake));
  assert.equal(failure.kind, "kafka:no-broker");
  assert.match(failure.hint!, /log/);
});

test("a broker that has no request for SASL is asked nothing about it", async () => {
  await using fake = await startBroker({ 18: "0000 00000002 000300000004 001200000000", 3: oneBroker });
  await ready(urlOf(fake));
});

test("a listener that wants a login is ready by asking for it, and is asked nothing that it would log", async () => {
  for (const handshake of [offersPlain, offersScram]) {
    await using fake = await startBroker({ 18: ofBroker, 17: handshake });
    await ready(urlOf(fake));
    assert.deepEqual(
      fake.asked.map(({ key }) => key),
      [18, 17],
    );
    await fake.idle();
  }
});

test("the listener of a controller is not that of a broker", async () => {
  await using fake = await startBroker({ 18: ofController });
  const { failure } = await fails("not-ready", urlOf(fake));
  assert.equal(failure.kind, "kafka:controller");
  assert.match(failure.hint!, /controller.*port/);
});

test("an error instead of the versions is told by its name", async () => {
  await using fake = await startBroker({ 18: "0023 00000000" });
  const { failure } = await fails("not-ready", urlOf(fake));
  assert.equal(failure.kind, "kafka:UNSUPPORTED_VERSION");
});

/** A broker with SASL PLAIN for one user. */
const startWithLogin = (token: string): Promise<Fake> =>
  startBroker({
    ...plaintext,
    17: offersPlain,
    36: ({ body }) =>
      body.toString("utf8", 4) === token
        ? "0000 ffff 00000000"
        : `003a ${text("Authentication failed: Invalid username or password")} 00000000`,
  });

test("a password logs in, and a wrong one is refused at once", async () => {
  await using fake = await startWithLogin("\0app\0s3cr\u00e9t");
  await ready(urlOf(fake, "app:s3cr%C3%A9t@"));
  assert.deepEqual(
    fake.asked.map(({ key }) => key),
    [18, 17, 36, 3],
  );
  assert.equal(fake.asked[2]!.body.readUInt32BE(0), 12);
  for (const userinfo of ["app:wr0ng@", ":s3cr%C3%A9t@"]) {
    const { failure, attempts } = await fails("refused", urlOf(fake, userinfo));
    assert.equal(failure.kind, "kafka:SASL_AUTHENTICATION_FAILED");
    assert.match(failure.message, /Invalid username or password/);
    assert.doesNotMatch(failure.message, /wr0ng|s3cr/);
    assert.equal(attempts, 1);
  }
});

test("a password that PLAIN cannot carry is refused with what the broker offers", async () => {
  await using fake = await startBroker({ 18: ofBroker, 17: offersScram });
  const { failure, attempts } = await fails("refused", urlOf(fake, "app:s3cret@"));
  assert.equal(failure.kind, "kafka:UNSUPPORTED_SASL_MECHANISM");
  assert.match(failure.message, /SCRAM-SHA-256, SCRAM-SHA-512/);
  assert.equal(attempts, 1);
});

test("a login that cannot be checked now is tried again", async () => {
  await using fake = await startBroker({
    18: ofBroker,
    17: offersPlain,
    36: `ffff ${text("down")} 00000000`,
  });
  const { failure, attempts } = await fails("not-ready", urlOf(fake, "app:s3cret@"));
  assert.equal(failure.kind, "kafka:UNKNOWN_SERVER_ERROR");
  assert.equal(attempts, 3);
});

test("a login that cannot be asked for now is no sign of being ready", async () => {
  await using fake = await startBroker({ 18: ofBroker, 17: "ffff 00000000" });
  assert.equal((await fails("not-ready", urlOf(fake))).failure.kind, "kafka:UNKNOWN_SERVER_ERROR");
});

test("a listener that wants no login lets in who has a password", async () => {
  await using fake = await startBroker(plaintext);
  await ready(urlOf(fake, "app:s3cret@"));
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write(Buffer.from([0, 0, 0]))],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["protocol", (socket) => socket.write("H")],
    ["protocol", (socket) => socket.write("\x15")],
    ["protocol", (socket) => socket.write(Buffer.from("00000006000000020000", "hex"))],
    ["protocol", (socket) => socket.write(Buffer.from("00ffffff00000001", "hex"))],
    ["protocol", (socket) => socket.write(Buffer.from("0000000300000001", "hex"))],
    ["protocol", (socket) => socket.pipe(socket)],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("an answer that is cut off within is another protocol", async () => {
  for (const body of ["00", "0000 00000002 000300000004", "0000 7fffffff"]) {
    await using fake = await startBroker({ 18: body });
    assert.equal((await fails("not-ready", urlOf(fake))).failure.kind, "protocol");
  }
});

test("one of several brokers is enough, and absent is met where nobody listens", async () => {
  await using fake = await startBroker(plaintext);
  const closed = await freePort();
  await ready(`kafka://127.0.0.1:${closed},127.0.0.1:${fake.port}`);
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `kafka://127.0.0.1:${closed}`);
});

test("any bytes are an answer, too few, or another protocol", () => {
  const readers = [readOffer, readHandshake, readAuthentication, readBrokerCount];
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (array) => {
      const bytes = Buffer.from(array);
      const length = answerLength(bytes);
      assert.ok(length === undefined || length === "foreign" || length >= 8);
      for (const read of readers) decoded<unknown>(bytes, read);
    }),
  );
});
