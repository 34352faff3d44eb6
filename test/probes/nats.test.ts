import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { TLSSocket, createSecureContext } from "node:tls";
import fc from "fast-check";
import { infoIn } from "../../src/probes/nats-info.ts";
import { issue } from "../helpers/certificates.ts";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

const info = (fields: object = {}): string =>
  `INFO ${JSON.stringify({ server_id: "NA", version: "2.12.1", proto: 1, max_payload: 1048576, ...fields })} \r\n`;

/** What the client says in `CONNECT`. */
type Login = Record<string, unknown>;

/** A server that introduces itself, and answers a login. */
function startFake(introduction: string, answer: (login: Login) => string = () => "PONG\r\n"): Promise<Peer> {
  return startPeer((socket) => {
    socket.write(introduction);
    answerOn(socket, answer);
  });
}

function answerOn(socket: Socket, answer: (login: Login) => string): void {
  socket.on("data", (text) => {
    const [, login] = /^CONNECT (\{.*\})\r\nPING\r\n$/.exec(String(text)) ?? [];
    socket.write(answer(JSON.parse(login!)));
  });
}

const urlOf = ({ port }: Peer, userinfo = "", scheme = "nats"): string =>
  `${scheme}://${userinfo}127.0.0.1:${port}`;

const violation = "-ERR 'Authorization Violation'\r\n";

test("a server that takes everybody in is ready", async () => {
  const logins: Login[] = [];
  await using fake = await startFake(info(), (login) => {
    logins.push(login);
    return "PONG\r\n";
  });
  await ready(urlOf(fake));
  assert.equal(fake.counts.accepted, 1);
  const [{ version, ...login }] = logins as [Login];
  assert.equal(typeof version, "string");
  assert.deepEqual(login, {
    verbose: false,
    pedantic: false,
    name: "initkit",
    lang: "node",
    protocol: 1,
    tls_required: false,
  });
  await fake.idle();
});

test("a server that asks for a login is ready without one, and is told nothing that it would log", async () => {
  const said: string[] = [];
  await using fake = await startPeer((socket) => {
    socket.on("data", (text) => said.push(String(text)));
    socket.write(info({ auth_required: true, nonce: "bm9uY2U" }));
  });
  await ready(urlOf(fake));
  await fake.idle();
  assert.deepEqual(said, []);
});

test("a password or a token logs in, and a wrong one is refused at once", async () => {
  const logins: Login[] = [];
  await using fake = await startFake(info({ auth_required: true }), (login) => {
    logins.push(login);
    return login["pass"] === "s3cret" || login["auth_token"] === "t0ken" ? "PONG\r\n" : violation;
  });
  await ready(urlOf(fake, "app:s3cret@"));
  const { report } = await ready(urlOf(fake, "t0ken@"));
  assert.equal(report["targets"][0].target, urlOf(fake));
  const credentials = logins.map(({ user, pass, auth_token }) => ({ user, pass, auth_token }));
  assert.deepEqual(credentials, [
    { user: "app", pass: "s3cret", auth_token: undefined },
    { user: undefined, pass: undefined, auth_token: "t0ken" },
  ]);
  for (const userinfo of ["app:wr0ng@", "wr0ng@"]) {
    const { failure, attempts } = await fails("refused", urlOf(fake, userinfo));
    assert.equal(failure.kind, "nats:authorization-violation");
    assert.doesNotMatch(failure.message + failure.hint, /wr0ng/);
    assert.equal(attempts, 1);
  }
});

test("what the server says of itself in between does not count, in whatever pieces it comes", async () => {
  const chatter = `+OK\r\n${info({ connect_urls: ["10.0.0.2:4222"] })}PING\r\nPONG\r\n`;
  await using fake = await startPeer((socket) => {
    socket.setNoDelay();
    for (const byte of info()) socket.write(byte);
    socket.on("data", () => {
      for (const byte of chatter) socket.write(byte);
    });
  });
  await ready(urlOf(fake));
});

test("a server in lame duck mode is not ready", async () => {
  await using fake = await startFake(info({ ldm: true }));
  const { failure, attempts } = await fails("not-ready", urlOf(fake));
  assert.equal(failure.kind, "nats:lame-duck");
  assert.equal(attempts, 3);
  await fake.idle();
});

test("a server that is full is not ready, wherever it says so, and refuses nobody", async () => {
  const full = "-ERR 'maximum connections exceeded'\r\n";
  for (const introduction of [full, info() + full, info({ auth_required: true }) + full]) {
    await using fake = await startPeer((socket) => {
      socket.setNoDelay();
      for (const byte of introduction) socket.write(byte);
    });
    const { failure } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, "nats:maximum-connections-exceeded");
    assert.match(failure.message, /: maximum connections exceeded$/);
    await fake.idle();
  }
  await using odd = await startFake(info(), () => violation);
  assert.equal((await fails("not-ready", urlOf(odd))).failure.kind, "nats:authorization-violation");
  await using late = await startFake(info(), () => "-ERR 'Authentication Timeout'\r\n");
  assert.equal(
    (await fails("not-ready", urlOf(late, "app:s3cret@"))).failure.kind,
    "nats:authentication-timeout",
  );
});

/** A server that goes over to TLS, before or after its introduction. */
function startTlsFake(fields: object, { isFirst = false, says = "" } = {}): Promise<Peer> {
  const secureContext = createSecureContext(issue({ names: ["localhost"] }));
  return startPeer((socket) => {
    if (!isFirst) socket.write(info(fields) + says);
    const secured = new TLSSocket(socket, { isServer: true, secureContext });
    secured.on("error", () => {});
    answerOn(secured, ({ tls_required }) => (tls_required === true ? "PONG\r\n" : violation));
    if (isFirst) secured.write(info(fields));
  });
}

test("TLS follows the introduction where the server or the URL wants it", async () => {
  await using strict = await startTlsFake({ tls_required: true });
  await ready("--insecure", urlOf(strict));
  await ready("--insecure", urlOf(strict, "", "tls"));
  assert.equal((await fails("not-ready", urlOf(strict))).failure.kind, "tls:certificate");
  await using lenient = await startTlsFake({ tls_available: true });
  await ready("--insecure", urlOf(lenient, "", "tls"));
});

test("TLS comes first where the URL says so", async () => {
  await using fake = await startTlsFake({ tls_required: true }, { isFirst: true });
  await ready("--insecure", `${urlOf(fake, "", "tls")}?handshake_first=true`);
});

test("a server without TLS is not ready for a URL with it, and is not bothered with a handshake", async () => {
  const said: string[] = [];
  await using fake = await startPeer((socket) => {
    socket.on("data", (bytes) => said.push(String(bytes)));
    socket.write(info());
  });
  assert.equal((await fails("not-ready", urlOf(fake, "", "tls"))).failure.kind, "nats:no-tls");
  await fake.idle();
  assert.deepEqual(said, []);
});

test("a server with TLS that is full says so", async () => {
  await using fake = await startTlsFake(
    { tls_required: true },
    { says: "-ERR 'maximum connections exceeded'\r\n" },
  );
  const { failure } = await fails("not-ready", "--insecure", urlOf(fake));
  assert.equal(failure.kind, "nats:maximum-connections-exceeded");
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write("INFO {")],
    ["timeout", (socket) => socket.write(info())],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["protocol", (socket) => socket.write("SSH-2.0-OpenSSH")],
    ["protocol", (socket) => socket.write("INFO hello\r\n")],
    ["protocol", (socket) => socket.write('INFO {"server_id":4222}\r\n')],
    ["protocol", (socket) => socket.write(`INFO {"${"x".repeat(2 ** 21)}`)],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("an introduction is read, or is none, whatever is in it", () => {
  const value = fc.oneof(
    fc.json(),
    fc.string(),
    fc.object().map((fields) => JSON.stringify(fields)),
  );
  fc.assert(
    fc.property(value, (text) => {
      assert.equal(infoIn(`INFO ${text}`), undefined);
    }),
  );
  assert.deepEqual(infoIn(info({ ldm: true, tls_available: true }).trim()), {
    authRequired: false,
    tlsRequired: false,
    hasTls: true,
    isLeaving: true,
  });
});

test("absent is met by a port that nobody listens on, not by a server in lame duck mode", async () => {
  await using fake = await startFake(info({ ldm: true }));
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `nats://127.0.0.1:${await freePort()}`);
});
