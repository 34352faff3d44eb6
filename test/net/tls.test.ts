import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { createServer, type TlsOptions } from "node:tls";
import { Failure } from "../../src/failure.ts";
import { dial } from "../../src/net/dial.ts";
import { type TlsOptions as ClientOptions, upgradeToTls } from "../../src/net/tls-connect.ts";
import { checkTlsArguments, hasTlsArguments, readTlsSettings } from "../../src/net/tls.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { openResources, startPeer } from "../helpers/peers.ts";

const authority = makeAuthority("our CA");
const ca = Buffer.from(authority.cert);
const server = issue({ name: "db", names: ["db.test", "*.shop.svc"], issuer: authority });
const never = new AbortController().signal;

async function startTlsServer(options: TlsOptions) {
  const tlsServer = createServer(options, (socket) => socket.on("error", () => {}).end("hello"));
  tlsServer.on("tlsClientError", () => {}).listen(0, "127.0.0.1");
  await once(tlsServer, "listening");
  return {
    port: (tlsServer.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      await new Promise((resolve) => tlsServer.close(resolve));
    },
  };
}

async function connectTls(port: number, options: Partial<ClientOptions> = {}): Promise<string> {
  const socket = await dial({ host: "127.0.0.1", port, signal: never, code: "not-ready" });
  const peer = `db.test:${port}`;
  const secure = await upgradeToTls(socket, {
    host: "db.test",
    peer,
    code: "not-ready",
    signal: never,
    ...options,
  });
  const said = await secure.setEncoding("utf8").toArray();
  return said.join("");
}

function rejectsWith(promise: Promise<unknown>, kind: string, ...parts: readonly string[]): Promise<void> {
  return assert.rejects(promise, (error: Failure) => {
    assert.equal(error.kind, kind, error.message);
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    assert.ok(error.hint);
    return true;
  });
}

test("a certificate that our CA signed for the name is taken", async () => {
  await using listening = await startTlsServer(server);
  assert.equal(await connectTls(listening.port, { tls: { ca } }), "hello");
  assert.equal(await connectTls(listening.port, { tls: { ca }, host: "a.shop.svc" }), "hello");
});

test("a certificate of an unknown CA is refused, and the CA named", async () => {
  await using listening = await startTlsServer(server);
  await rejectsWith(connectTls(listening.port), "tls:certificate", "our CA", `db.test:${listening.port}`);
});

test("a certificate for another name is refused, and its names told", async () => {
  await using listening = await startTlsServer(server);
  const refused = connectTls(listening.port, { tls: { ca }, host: "auth", certificateCode: "refused" });
  await rejectsWith(refused, "tls:certificate", "db.test", "*.shop.svc", '"auth"');
  await assert.rejects(refused, { code: "refused" });
});

test("a certificate for an address is checked by the address", async () => {
  const forAddress = issue({ names: ["127.0.0.1"], issuer: authority });
  await using listening = await startTlsServer(forAddress);
  assert.equal(await connectTls(listening.port, { tls: { ca }, host: "127.0.0.1" }), "hello");
  await rejectsWith(
    connectTls(listening.port, { tls: { ca }, host: "127.0.0.2" }),
    "tls:certificate",
    "127.0.0.1",
  );
});

test("an expired, a future and a self-signed certificate are told apart", async () => {
  const [past, future] = [new Date("2020-01-01"), new Date("2040-01-01")];
  const names = ["db.test"];
  for (const [certificate, words] of [
    [issue({ names, issuer: authority, from: past, to: new Date("2020-02-01") }), "2020"],
    [issue({ names, issuer: authority, from: future, to: new Date("2041-01-01") }), "2040"],
    [issue({ names }), "self-signed"],
  ] as const) {
    await using listening = await startTlsServer(certificate);
    await rejectsWith(connectTls(listening.port, { tls: { ca } }), "tls:certificate", words);
  }
});

test("server-name is what is asked for and what must be in the certificate", async () => {
  const asked: string[] = [];
  const SNICallback: TlsOptions["SNICallback"] = (name, done) => {
    asked.push(name);
    done(null);
  };
  await using listening = await startTlsServer({ ...server, SNICallback });
  assert.equal(
    await connectTls(listening.port, { tls: { ca, serverName: "db.test" }, host: "10.0.0.3" }),
    "hello",
  );
  assert.deepEqual(asked, ["db.test"]);
});

test("only insecure takes any certificate, and checkName false any name", async () => {
  await using listening = await startTlsServer(server);
  assert.equal(await connectTls(listening.port, { tls: { insecure: true }, host: "auth" }), "hello");
  assert.equal(await connectTls(listening.port, { tls: { ca }, host: "auth", checkName: false }), "hello");
  await rejectsWith(connectTls(listening.port, { checkName: false }), "tls:certificate");
});

test("a client certificate is shown to a server that asks for one", async () => {
  const client = issue({ name: "client", issuer: authority });
  const [cert, key] = [Buffer.from(client.cert), Buffer.from(client.key)];
  await using listening = await startTlsServer({
    ...server,
    ca: authority.cert,
    requestCert: true,
    rejectUnauthorized: true,
    maxVersion: "TLSv1.2",
  });
  assert.equal(await connectTls(listening.port, { tls: { ca, cert, key } }), "hello");
  await assert.rejects(connectTls(listening.port, { tls: { ca } }), Failure);
});

test("a server that speaks no TLS, hangs up or resets is told as such", async () => {
  await using plain = await startPeer((socket) => socket.end("SSH-2.0-OpenSSH\r\n"));
  await rejectsWith(connectTls(plain.port), "tls", "does not speak TLS");
  await using closing = await startPeer((socket) => socket.once("data", () => socket.end()));
  await rejectsWith(connectTls(closing.port), "reset");
  await using resetting = await startPeer((socket) => socket.once("data", () => socket.resetAndDestroy()));
  await rejectsWith(connectTls(resetting.port), "reset");
});

test("a silent server ends with the attempt, and leaves nothing behind", async () => {
  await using silent = await startPeer(() => {});
  const before = await openResources();
  const stop = new AbortController();
  const pending = connectTls(silent.port, { signal: stop.signal });
  setTimeout(() => stop.abort(new Failure("not-ready", "not finished within 5s")), 50);
  await rejectsWith(pending, "tls:timeout", "not finished within 5s");
  await silent.idle();
  assert.deepEqual(await openResources(), before);
});

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "initkit-tls-"));
});
after(() => rm(folder, { recursive: true }));

const nothing = { ca: undefined, cert: undefined, key: undefined, "server-name": undefined, insecure: false };

async function file(name: string, content: string): Promise<string> {
  await writeFile(join(folder, name), content);
  return join(folder, name);
}

test("the files of the options are read, a bundle of CAs too", async () => {
  const files = {
    ca: await file("ca.pem", `# ours\n${authority.cert}\n${makeAuthority().cert}`),
    cert: await file("cert.pem", server.cert),
    key: await file("key.pem", server.key),
  };
  const settings = await readTlsSettings({ ...nothing, ...files, "server-name": "db" });
  assert.equal(String(settings.key), server.key);
  assert.equal(settings.serverName, "db");
});

test("a file that is missing or cannot be used is a configuration error that names it", async () => {
  const cert = await file("cert.pem", server.cert);
  const broken = authority.cert.replace(/\n[^\n]+\n/, "\nAAAA\n");
  const wrong: [string, Partial<typeof nothing> | object][] = [
    ["none.pem", { ca: join(folder, "none.pem") }],
    ["key-as-ca.pem", { ca: await file("key-as-ca.pem", server.key) }],
    ["broken.pem", { ca: await file("broken.pem", broken) }],
    ["empty.pem", { ca: await file("empty.pem", "") }],
    ["other.pem", { cert, key: await file("other.pem", issue().key) }],
    ["no-key.pem", { cert, key: await file("no-key.pem", "hello") }],
  ];
  for (const [name, given] of wrong) {
    await assert.rejects(readTlsSettings({ ...nothing, ...given }), (error: Failure) => {
      assert.equal(error.code, "configuration");
      return error.message.includes(name) && !error.message.includes("BEGIN");
    });
  }
});

test("options that contradict each other are told", () => {
  assert.throws(() => checkTlsArguments({ ...nothing, cert: "c" }), /key/);
  assert.throws(() => checkTlsArguments({ ...nothing, key: "k" }), /cert/);
  assert.throws(() => checkTlsArguments({ ...nothing, ca: "c", insecure: true }), /insecure/);
  checkTlsArguments({ ...nothing, cert: "c", key: "k", ca: "a", "server-name": "n" });
  assert.equal(hasTlsArguments(nothing), false);
  assert.equal(hasTlsArguments({ ...nothing, insecure: true }), true);
  assert.equal(hasTlsArguments({ ...nothing, "server-name": "n" }), true);
});
