import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

/** A server that answers `srvr` with this text, and hangs up as ZooKeeper does. */
const startFake = (answer: string): Promise<Peer> =>
  startPeer((socket) => {
    socket.on("data", (word) => {
      assert.equal(String(word), "srvr");
      socket.end(answer);
    });
  });

const urlOf = ({ port }: Peer, userinfo = ""): string => `zookeeper://${userinfo}127.0.0.1:${port}`;

const statistics = (mode: string): string =>
  `Zookeeper version: 3.9.3-c26634f34490bb0ea7a09cc51e05ede3b4e320ee, built on 2024-10-17 23:21 UTC\n` +
  `Latency min/avg/max: 0/0.0/0\nReceived: 1\nSent: 0\nConnections: 1\nOutstanding: 0\nZxid: 0x0\n` +
  `Mode: ${mode}\nNode count: 5\n`;

test("a server that plays its part in an ensemble, or stands alone, is ready", async () => {
  for (const mode of ["leader", "follower", "observer", "standalone"]) {
    await using fake = await startFake(statistics(mode));
    await ready(urlOf(fake));
    assert.equal(fake.counts.accepted, 1);
    await fake.idle();
  }
});

test("a server of ClickHouse Keeper is told as one of ZooKeeper", async () => {
  await using fake = await startFake("ClickHouse Keeper version: v26.6.1.1\nZxid: 34\nMode: leader\n");
  await ready(urlOf(fake));
  await using lonely = await startFake("This instance is not currently serving requests");
  assert.equal((await fails("not-ready", urlOf(lonely))).failure.kind, "zookeeper:no-quorum");
});

test("a server without a quorum is not ready, and says so", async () => {
  for (const answer of [
    "This ZooKeeper instance is not currently serving requests\n",
    statistics("read-only"),
  ]) {
    await using fake = await startFake(answer);
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, "zookeeper:no-quorum");
    assert.match(failure.message, /ZooKeeper 127\.0\.0\.1:\d+.*: (?:This ZooKeeper instance|its mode)/);
    assert.match(failure.hint!, /election/);
    assert.equal(attempts, 3);
    await fake.idle();
  }
});

test("a server that is not allowed to answer is taken for ready", async () => {
  await using fake = await startFake("srvr is not executed because it is not in the whitelist.\n");
  await ready(urlOf(fake));
});

test("credentials in the URL change nothing and are not shown", async () => {
  await using fake = await startFake(statistics("leader"));
  const { report } = await ready(urlOf(fake, "app:s3cret@"));
  assert.equal(report["targets"][0].target, urlOf(fake));
});

test("an answer that comes byte by byte is read", async () => {
  await using fake = await startPeer((socket) => {
    socket.setNoDelay().once("data", () => {
      for (const byte of statistics("follower")) socket.write(byte);
    });
  });
  await ready(urlOf(fake));
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write("Zookeeper version: 3")],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.end("Zookeeper version: 3.9.3\nZxid: 0x0\n")],
    ["protocol", (socket) => socket.write("H")],
    ["protocol", (socket) => socket.write("Zookeeper version: 3\n".repeat(101))],
    ["protocol", (socket) => socket.write(`Zookeeper version: ${"3".repeat(2 ** 21)}`)],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("whatever a server answers, the failure is one that a person can act on", async () => {
  let answer = Buffer.alloc(0);
  await using peer = await startPeer((socket) => {
    socket.end(answer);
  });
  const bytes = fc.uint8Array({ maxLength: 40 });
  const beginning = fc.constantFrom("", "Zookeeper version: ", "Zookeeper version: 3\nMode: ");
  await fc.assert(
    fc.asyncProperty(beginning, bytes, async (begins, rest) => {
      answer = Buffer.concat([Buffer.from(begins), rest]);
      const { failure } = await fails("not-ready", urlOf(peer));
      assert.match(failure.kind, /^(?:protocol|reset|zookeeper:no-quorum)$/);
      assert.ok(failure.hint);
    }),
    { numRuns: 30 },
  );
});

test("absent is met by a port that nobody listens on, not by a server without a quorum", async () => {
  await using fake = await startFake("This ZooKeeper instance is not currently serving requests\n");
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `zk://127.0.0.1:${await freePort()}`);
});
