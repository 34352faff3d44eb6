import assert from "node:assert/strict";
import { test } from "node:test";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

/** A server that answers each command with a line. */
function startFake(answer: (...words: string[]) => string | undefined): Promise<Peer> {
  return startPeer((socket) => {
    socket.setEncoding("utf8").on("data", (text) => {
      for (const [, body = ""] of String(text).matchAll(/\*\d+\r\n((?:\$\d+\r\n[^\r]*\r\n)+)/g)) {
        const words = [...body.matchAll(/\$\d+\r\n([^\r]*)\r\n/g)].map(([, word]) => word!);
        const says = words[0] === "QUIT" ? "+OK" : answer(...words);
        if (says !== undefined) socket.write(`${says}\r\n`);
        if (words[0] === "QUIT") socket.end();
      }
    });
  });
}

const urlOf = ({ port }: Peer, userinfo = "", rest = ""): string =>
  `redis://${userinfo}127.0.0.1:${port}${rest}`;

test("a server that answers PING is ready, by asking for a password too", async () => {
  for (const says of ["+PONG", "-NOAUTH Authentication required."]) {
    await using fake = await startFake(() => says);
    const { report } = await ready(urlOf(fake, "", "/3"));
    assert.equal(report["targets"][0].target, urlOf(fake, "", "/3"));
    assert.equal(fake.counts.accepted, 1);
    await fake.idle();
  }
});

test("a server that is loading, busy or without its master is not ready, and says so", async () => {
  for (const word of ["LOADING", "BUSY", "MASTERDOWN"]) {
    await using fake = await startFake(() => `-${word} wait a bit`);
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, `redis:${word}`);
    assert.match(failure.message, /wait a bit/);
    assert.equal(attempts, 3);
    await fails("not-ready", urlOf(fake, ":s3cret@"));
  }
});

test("a password logs in, and a wrong one is refused at once", async () => {
  const asked: string[][] = [];
  await using fake = await startFake((...words) => {
    asked.push(words);
    if (words[0] !== "AUTH") return "+PONG";
    return words.at(-1) === "s3cret"
      ? "+OK"
      : "-WRONGPASS invalid username-password pair or user is disabled.";
  });
  await ready(urlOf(fake, ":s3cret@"));
  await ready(urlOf(fake, "app:s3cret@", "/2"));
  assert.deepEqual(asked, [
    ["AUTH", "s3cret"],
    ["PING"],
    ["AUTH", "app", "s3cret"],
    ["PING"],
    ["SELECT", "2"],
  ]);
  const { failure, attempts } = await fails("refused", urlOf(fake, "app:wrong@"));
  assert.equal(failure.kind, "redis:WRONGPASS");
  assert.equal(attempts, 1);
});

test("a server that wants no password lets in who has one", async () => {
  await using fake = await startFake((word) =>
    word === "AUTH" ? "-ERR Client sent AUTH, but no password is set" : "+PONG",
  );
  await ready(urlOf(fake, ":s3cret@"));
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["protocol", (socket) => socket.write("\x15\x03\x01")],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("absent is met by a port that nobody listens on, not by a server that is loading", async () => {
  await using fake = await startFake(() => "-LOADING wait");
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `redis://127.0.0.1:${await freePort()}`);
});
