import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { dial, type DialOptions, peerOf } from "../../src/net/dial.ts";
import { freePort, openResources, startPeer } from "../helpers/peers.ts";
import { startSilentHost } from "../helpers/silent-host.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "initkit-dial-"));
});
after(() => rm(folder, { recursive: true }));

const never = new AbortController().signal;
const common = { host: "127.0.0.1", code: "not-ready", signal: never } as const;

/** Options to dial the name `db` with these addresses. */
async function named(addresses: readonly string[], port: number): Promise<DialOptions> {
  const hosts = join(folder, "hosts");
  await writeFile(hosts, addresses.map((address) => `${address} db\n`).join(""));
  return { ...common, host: "db", port, resolver: { hosts } };
}

function rejectsWith(promise: Promise<unknown>, kind: string, ...parts: readonly string[]): Promise<void> {
  return assert.rejects(promise, (error: Failure) => {
    assert.equal(error.kind, kind);
    assert.equal(error.code, "not-ready");
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    assert.ok(error.hint);
    return true;
  });
}

test("dial gives a connected socket and names the other side", async () => {
  await using peer = await startPeer((socket) => socket.end("hello"));
  const options = await named(["127.0.0.1"], peer.port);
  const socket = await dial(options);
  assert.equal(peerOf(socket, options), `db:${peer.port} (127.0.0.1)`);
  assert.equal(peerOf(socket, { host: "127.0.0.1", port: peer.port }), `127.0.0.1:${peer.port}`);
  assert.equal(String(await socket.setEncoding("utf8").take(1).toArray()), "hello");
  await peer.idle();
});

test("a server on IPv4 only is found behind localhost", async () => {
  await using peer = await startPeer(() => {});
  (await dial({ ...common, host: "localhost", port: peer.port })).destroy();
});

test("a refused connection is told with its address", async () => {
  const port = await freePort();
  await rejectsWith(dial({ ...common, port }), "connect:ECONNREFUSED", `127.0.0.1:${port}`, "ECONNREFUSED");
});

test("where every address fails, each is told with its own error", async () => {
  const options = await named(["127.0.0.1", "127.0.0.2"], await freePort());
  await rejectsWith(dial(options), "connect:ECONNREFUSED", "127.0.0.1: ", "127.0.0.2: ");
});

test("a Unix socket is dialled by its path, and a missing one told as such", async () => {
  const path = join(folder, "socket");
  await rejectsWith(dial({ ...common, port: 0, path }), "connect:ENOENT", path);
  await using peer = await startPeer(() => {}, { path });
  (await dial({ ...common, port: 0, path })).destroy();
  await peer.idle();
  assert.equal(peer.counts.accepted, 1);
});

test("the next address is tried at once when one refuses, and the loser is closed", async () => {
  await using peer = await startPeer(() => {}, { host: "127.0.0.2" });
  const options = await named(["127.0.0.1", "127.0.0.2"], peer.port);
  const socket = await dial(options);
  assert.equal(socket.remoteAddress, "127.0.0.2");
  socket.destroy();
});

test("a silent address does not hold up the others", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  await using peer = await startPeer(() => {}, { host: "127.0.0.4", port: silent.port });
  const before = await openResources();
  const startedAt = performance.now();
  const socket = await dial(await named(["127.0.0.3", "127.0.0.4"], silent.port));
  assert.equal(socket.remoteAddress, "127.0.0.4");
  assert.ok(performance.now() - startedAt < 3_000);
  socket.destroy();
  await peer.idle();
  assert.deepEqual(await openResources(), before);
});

test("a silent address ends with the attempt: its layer is told, and nothing is left behind", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  const before = await openResources();
  const stop = new AbortController();
  const pending = dial({ ...(await named(["127.0.0.3"], silent.port)), signal: stop.signal });
  setTimeout(() => stop.abort(new Failure("not-ready", "not finished within 5s")), 100);
  await rejectsWith(pending, "connect:timeout", `db:${silent.port}`, "127.0.0.3", "not finished within 5s");
  assert.deepEqual(await openResources(), before);
});

test("connectTimeout bounds a silent address by itself", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  const options = await named(["127.0.0.3"], silent.port);
  await rejectsWith(dial({ ...options, connectTimeout: 100 }), "connect:timeout", "127.0.0.3", "100ms");
});

test("the end of the run is passed on as it is", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  const stop = new AbortController();
  const pending = dial({ ...common, host: "127.0.0.3", port: silent.port, signal: stop.signal });
  const reason = new Failure("signal", "SIGTERM", { signal: 15 });
  setImmediate(() => stop.abort(reason));
  await assert.rejects(pending, reason);
});
