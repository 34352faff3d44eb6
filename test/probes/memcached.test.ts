import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

/** A server that answers each line of text; `quit` with a hang-up. */
function startFake(answer: (line: string) => string | undefined, asked: string[] = []): Promise<Peer> {
  return startPeer((socket) => {
    socket.setEncoding("utf8").on("data", (text) => {
      for (const line of String(text).split("\r\n").slice(0, -1)) {
        asked.push(line.trim());
        const says = answer(line);
        if (line === "quit") socket.end();
        else if (says !== undefined) socket.write(`${says}\r\n`);
      }
    });
  });
}

const urlOf = ({ port }: Peer, userinfo = ""): string => `memcached://${userinfo}127.0.0.1:${port}`;

/** What a server with a list of users (-Y) answers. */
function startWithUsers(asked: string[] = []): Promise<Peer> {
  let isIn = false;
  return startFake((line) => {
    if (line.startsWith("set ")) return undefined;
    if (line.startsWith("app ")) {
      isIn = line === "app s3cret";
      return isIn ? "STORED" : "CLIENT_ERROR authentication failure";
    }
    return isIn ? "VERSION 1.6.39" : "CLIENT_ERROR unauthenticated";
  }, asked);
}

test("a server that tells its version is ready, and hears a goodbye", async () => {
  const asked: string[] = [];
  await using fake = await startFake(() => "VERSION 1.6.39", asked);
  await ready(urlOf(fake));
  assert.deepEqual(asked, ["version", "quit"]);
  assert.equal(fake.counts.accepted, 1);
  await fake.idle();
});

test("an answer that comes byte by byte is read", async () => {
  await using fake = await startPeer((socket) => {
    socket.setNoDelay().once("data", () => {
      for (const byte of "VERSION 1.6.39\r\n") socket.write(byte);
    });
  });
  await ready(urlOf(fake));
});

test("a server that asks for a login is ready without one, lets in who has it, and refuses a wrong password", async () => {
  const asked: string[] = [];
  await using fake = await startWithUsers(asked);
  await ready(urlOf(fake));
  assert.deepEqual(asked.splice(0), ["version", "quit"]);
  await ready(urlOf(fake, "app:s3cret@"));
  assert.deepEqual(asked, ["version", "set initkit 0 0 10", "app s3cret", "quit"]);
  await using strict = await startWithUsers();
  const { failure, attempts } = await fails("refused", urlOf(strict, "app:wr0ng@"));
  assert.equal(failure.kind, "memcached:authentication");
  assert.doesNotMatch(failure.message, /wr0ng/);
  assert.equal(attempts, 1);
});

test("a password is never said to a server that wants none: it would store it", async () => {
  const asked: string[] = [];
  await using fake = await startFake(() => "VERSION 1.6.39", asked);
  await ready(urlOf(fake, "app:s3cret@"));
  assert.doesNotMatch(asked.join(), /s3cret|set/);
});

test("a server that cannot do its work is not ready, and says so", async () => {
  for (const answer of ["ERROR", "ERROR Too many open connections", "SERVER_ERROR out of memory"]) {
    await using fake = await startFake(() => answer);
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, "memcached:error");
    assert.ok(failure.message.endsWith(answer));
    assert.equal(attempts, 3);
    await fake.idle();
  }
});

test("a server that breaks down during the login is not ready, but refuses nobody", async () => {
  await using fake = await startFake((line) => {
    if (line.startsWith("set ")) return undefined;
    return line.startsWith("app ") ? "SERVER_ERROR out of memory" : "CLIENT_ERROR unauthenticated";
  });
  assert.equal((await fails("not-ready", urlOf(fake, "app:s3cret@"))).failure.kind, "memcached:error");
});

const response = (operation: number, status: number, text: string): Buffer => {
  const header = Buffer.alloc(24);
  header.set([0x81, operation]);
  header.writeUInt16BE(status, 6);
  header.writeUInt32BE(text.length, 8);
  return Buffer.concat([header, Buffer.from(text)]);
};

/** A server that wants SASL: it speaks the binary protocol only, and hangs up on text. */
function startBinary(
  login: Buffer,
  asked: string[] = [],
  version = response(0x0b, 0, "1.6.39"),
): Promise<Peer> {
  return startPeer((socket) => {
    socket.setEncoding("latin1").on("data", (bytes) => {
      const message = String(bytes);
      const isBinary = message.startsWith("\x80");
      if (isBinary) asked.push(message);
      if (!isBinary && message.length < 24) return;
      if (message[1] === "\x0b") socket.write(version);
      else if (message[1] === "\x21") for (const byte of login) socket.write(Buffer.of(byte));
      else socket.end();
    });
  });
}

test("a server that wants SASL is ready without a password, and hears a goodbye in its own protocol", async () => {
  const asked: string[] = [];
  await using fake = await startBinary(response(0x21, 0x20, "Auth failure."), asked);
  await ready(urlOf(fake));
  assert.deepEqual(
    asked.map((message) => message.slice(0, 2)),
    ["\x80\x0b", "\x80\x07"],
  );
  await fake.idle();
});

test("a password logs in by SASL, and a wrong one is refused at once", async () => {
  const asked: string[] = [];
  for (const [status, text] of [
    [0, "Authenticated"],
    [0x81, "Unknown command"],
  ] as const) {
    await using fake = await startBinary(response(0x21, status, text), asked);
    await ready(urlOf(fake, "app:s3cret@"));
  }
  assert.equal(asked[1]!.slice(24), "PLAIN\0app\0s3cret");
  await using strict = await startBinary(response(0x21, 0x20, "Auth failure."));
  const { failure, attempts } = await fails("refused", urlOf(strict, "app:wrong@"));
  assert.equal(failure.kind, "memcached:authentication");
  assert.equal(attempts, 1);
});

test("a server that wants SASL and cannot do its work is not ready", async () => {
  await using busy = await startBinary(response(0x21, 0x85, "Busy"));
  assert.equal((await fails("not-ready", urlOf(busy, "app:s3cret@"))).failure.kind, "memcached:error");
  await using broken = await startBinary(Buffer.of(), [], response(0x0b, 0x82, "Out of memory"));
  assert.match((await fails("not-ready", urlOf(broken))).failure.message, /: Out of memory$/);
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write("VERSION 1")],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["protocol", (socket) => socket.write("SS")],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["protocol", (socket) => socket.write(`VERSION ${"1".repeat(2 ** 21)}`)],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("whatever a binary server answers, the failure is one that a person can act on", async () => {
  let answer = Buffer.alloc(0);
  await using peer = await startPeer((socket) => {
    socket.on("data", (message) => socket.end(message[0] === 0x80 ? answer : ""));
  });
  const header = fc.constantFrom("", "81", "810b00000000", "810b0000000000000000ffff");
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array({ maxLength: 30, minLength: 1 }), async (start, rest) => {
      answer = Buffer.concat([Buffer.from(start, "hex"), rest.map((byte) => byte | 0x40)]);
      const { failure } = await fails("not-ready", urlOf(peer));
      assert.match(failure.kind, /^(?:protocol|reset)$/);
    }),
    { numRuns: 30 },
  );
});

test("absent is met by a port that nobody listens on, not by a server that is out of memory", async () => {
  await using fake = await startFake(() => "SERVER_ERROR out of memory");
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `memcache://127.0.0.1:${await freePort()}`);
});
