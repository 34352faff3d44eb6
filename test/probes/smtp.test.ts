import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { test } from "node:test";
import { createSecureContext, TLSSocket } from "node:tls";
import { issue } from "../helpers/certificates.ts";
import { freePort, type Peer, startPeer } from "../helpers/peers.ts";
import { fails, ready } from "../helpers/wait.ts";

interface Fake extends Peer {
  /** The lines that have come. */
  readonly heard: string[];
}

type Answers = Readonly<Record<string, string | undefined>>;

const { cert, key } = issue({ names: ["localhost"] });

/**
 * A server that greets, and answers a line by the answer to the whole of it, or to its first word. After STARTTLS it
 * goes on over TLS, where it offers to log in.
 */
async function startFake(greeting: string, answers: Answers = {}): Promise<Fake> {
  const heard: string[] = [];
  const listen = (socket: Socket, own: Answers) => {
    socket.on("data", (chunk: Buffer) => {
      for (const line of chunk.toString().split("\r\n").slice(0, -1)) {
        heard.push(line);
        const answer = own[line] ?? own[line.split(" ", 1)[0]!] ?? "502 not implemented";
        socket.write(`${answer}\r\n`);
        if (line === "QUIT") socket.end();
        if (line === "STARTTLS" && answer.startsWith("220")) secure(socket);
      }
    });
  };
  const secure = (socket: Socket) => {
    socket.removeAllListeners("data");
    const options = { isServer: true, secureContext: createSecureContext({ cert, key }) };
    listen(
      new TLSSocket(socket, options).on("error", () => {}),
      { ...answers, EHLO: withLogin },
    );
  };
  const peer = await startPeer((socket) => {
    socket.write(`${greeting}\r\n`);
    listen(socket, { QUIT: "221 bye", ...answers });
  });
  return Object.assign(peer, { heard });
}

const withLogin = "250-mail\r\n250-SIZE 1000\r\n250 AUTH PLAIN LOGIN";
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const plain = `AUTH PLAIN ${base64("\0app\0s3cret")}`;

const urlOf = ({ port }: Peer, userinfo = "", host = "127.0.0.1"): string =>
  `smtp://${userinfo}${host}:${port}`;

test("a server that greets is ready, in several lines too, and is told goodbye", async () => {
  for (const greeting of ["220 mail ESMTP", "220-mail\r\n220-hello\r\n220 world", "220"]) {
    await using fake = await startFake(greeting);
    await ready(urlOf(fake));
    assert.deepEqual(fake.heard, ["QUIT"]);
    assert.equal(fake.counts.accepted, 1);
    await fake.idle();
  }
});

test("a greeting that comes byte by byte is one", async () => {
  await using fake = await startPeer((socket) => {
    socket.setNoDelay();
    const bytes = [...Buffer.from("220-mail\r\n220 ready\r\n221 bye\r\n")];
    const drip = () =>
      socket.write(Buffer.from([bytes.shift()!]), () => bytes.length > 0 && setImmediate(drip));
    drip();
  });
  await ready(urlOf(fake));
  await fake.idle();
});

test("a server that takes no mail now is not ready, says why, and is told goodbye all the same", async () => {
  for (const [code, words] of [
    [421, "too busy"],
    [554, "no SMTP service here"],
  ] as const) {
    await using fake = await startFake(`${code}-mail\r\n${code} ${words}`);
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, `smtp:${code}`);
    assert.ok(failure.message.endsWith(`${code} mail / ${words}`), failure.message);
    assert.equal(attempts, 3);
    await fake.idle();
    assert.deepEqual(fake.heard, ["QUIT", "QUIT", "QUIT"]);
  }
});

test("a password logs in by PLAIN, and a wrong one is refused at once", async () => {
  await using fake = await startFake("220 mail", {
    EHLO: withLogin,
    AUTH: "535 5.7.8 authentication failed",
    [plain]: "235 welcome",
  });
  await ready(urlOf(fake, "app:s3cret@"));
  assert.deepEqual(fake.heard, ["EHLO [127.0.0.1]", plain, "QUIT"]);
  const { failure, attempts } = await fails("refused", urlOf(fake, "app:wrong@"));
  assert.equal(failure.kind, "smtp:535");
  assert.match(failure.message, /authentication failed/);
  assert.equal(attempts, 1);
  await fake.idle();
  assert.equal(fake.heard.at(-1), "QUIT");
});

test("a password logs in by LOGIN where PLAIN is not offered", async () => {
  const answers: Answers = {
    EHLO: "250-mail\r\n250 auth=login",
    "AUTH LOGIN": "334 VXNlcm5hbWU6",
    [base64("app")]: "334 UGFzc3dvcmQ6",
    [base64("s3cret")]: "235 welcome",
    [base64("wrong")]: "535 no",
  };
  await using fake = await startFake("220 mail", answers);
  await ready(urlOf(fake, "app:s3cret@"));
  assert.deepEqual(fake.heard.slice(1), ["AUTH LOGIN", base64("app"), base64("s3cret"), "QUIT"]);
  assert.equal((await fails("refused", urlOf(fake, "app:wrong@"))).failure.kind, "smtp:535");
  await using closed = await startFake("220 mail", { ...answers, "AUTH LOGIN": "504 not here" });
  assert.equal((await fails("refused", urlOf(closed, "app:s3cret@"))).failure.kind, "smtp:504");
});

test("a server that cannot check a password now, or does not say hello, is not ready", async () => {
  await using fake = await startFake("220 mail", { EHLO: withLogin, AUTH: "454 4.7.0 temporary failure" });
  const { failure, attempts } = await fails("not-ready", urlOf(fake, "app:s3cret@"));
  assert.equal(failure.kind, "smtp:454");
  assert.equal(attempts, 3);
  await using rude = await startFake("220 mail");
  assert.equal((await fails("not-ready", urlOf(rude, "app:s3cret@"))).failure.kind, "smtp:502");
});

test("a server that takes no password refuses one", async () => {
  for (const hello of ["250 mail", "250-mail\r\n250 AUTH GSSAPI"]) {
    await using fake = await startFake("220 mail", { EHLO: hello });
    await ready(urlOf(fake));
    assert.equal((await fails("refused", urlOf(fake, "app:s3cret@"))).failure.kind, "smtp:mechanism");
  }
});

test("a password goes over TLS where the server offers that, verified, and never without", async () => {
  const answers = {
    EHLO: "250-mail\r\n250 STARTTLS",
    STARTTLS: "220 go on",
    AUTH: "235 welcome",
    QUIT: "221 bye",
  };
  await using fake = await startFake("220 mail", answers);
  const url = urlOf(fake, "app:s3cret@", "localhost");
  await ready("--insecure", url);
  assert.deepEqual(fake.heard.slice(1), ["STARTTLS", "EHLO [127.0.0.1]", plain, "QUIT"]);
  assert.equal((await fails("not-ready", url)).failure.kind, "tls:certificate");
  await fake.idle();
  await using busy = await startFake("220 mail", { ...answers, STARTTLS: "454 no TLS now" });
  assert.equal((await fails("not-ready", "--insecure", urlOf(busy, "app:s3cret@"))).failure.kind, "smtp:454");
  assert.ok([...fake.heard, ...busy.heard].filter((line) => line.startsWith("AUTH")).length === 1);
});

test("an answer before the encryption that belongs after it is no SMTP", async () => {
  await using fake = await startFake("220 mail", {
    EHLO: "250-mail\r\n250 STARTTLS",
    STARTTLS: "220 go on\r\n250 injected",
  });
  const { failure } = await fails("not-ready", "--insecure", urlOf(fake, "app:s3cret@"));
  assert.equal(failure.kind, "protocol");
});

test("silence, a hang-up and another protocol are told apart", async () => {
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write("220-mail\r\n")],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.end("220 mail\r\n")],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["protocol", (socket) => socket.write("\x15")],
    ["protocol", (socket) => socket.write("2 is a number\r\n")],
    ["protocol", (socket) => socket.write("220-mail\r\n".repeat(2000))],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    await peer.idle();
  }
});

test("absent is met by a port that nobody listens on, not by a server that is busy", async () => {
  await using fake = await startFake("421 too busy");
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `smtp://127.0.0.1:${await freePort()}`);
});
