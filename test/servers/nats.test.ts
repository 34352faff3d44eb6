import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

function startNats(
  options: readonly string[] = [],
  files: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  return startServer((port, folder) => {
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    return { command: ["nats-server", "-a", "127.0.0.1", "-p", `${port}`, ...options] };
  });
}

const urlOf = ({ port }: ServerProcess, userinfo = "", scheme = "nats"): string =>
  `${scheme}://${userinfo}localhost:${port}`;

/** The server's log has no line that is not of its own start. */
function assertQuiet(nats: ServerProcess): void {
  assert.match(nats.log(), /Server is ready\n$/);
}

test("NATS is found ready while it starts, leaves no line in its log, and is gone when it has stopped", async () => {
  await using nats = await startNats();
  await ready(urlOf(nats));
  await ready(urlOf(nats, "app:s3cret@"));
  assertQuiet(nats);
  await nats.stop();
  await ready("--absent", urlOf(nats));
  nats.start();
  await ready(urlOf(nats));
});

test("NATS with a password is ready without it, lets in who has it, and refuses a wrong one", async () => {
  await using nats = await startNats(["--user", "app", "--pass", "s3cret"]);
  await ready(urlOf(nats));
  await ready(urlOf(nats, "app:s3cret@"));
  assertQuiet(nats);
  assert.equal((await fails("refused", urlOf(nats, "app:wrong@"))).attempts, 1);
  assert.equal((await fails("refused", urlOf(nats, "token@"))).failure.kind, "nats:authorization-violation");
});

test("NATS with a token is ready without it, lets in who has it, and refuses a wrong one", async () => {
  await using nats = await startNats(["--auth", "t0ken"]);
  await ready(urlOf(nats));
  await ready(urlOf(nats, "t0ken@"));
  assertQuiet(nats);
  assert.equal((await fails("refused", urlOf(nats, "wrong@"))).attempts, 1);
});

/** A client that stays. The place of one that has just left is free only a little later. */
async function occupy(port: number): Promise<Socket> {
  for (;;) {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    socket.write('CONNECT {"verbose":false,"auth_token":"t0ken"}\r\nPING\r\n');
    const isIn = new Promise<boolean>((resolve) => {
      socket.on("close", () => resolve(false));
      socket.on("data", (text) => String(text).includes("PONG") && resolve(true));
    });
    if (await isIn) return socket;
  }
}

test("NATS that is full is not ready, with a login or without one", async () => {
  for (const authorization of ["", "authorization { token: t0ken }"]) {
    await using nats = await startNats(["-c", "nats.conf"], {
      "nats.conf": `max_connections: 1\n${authorization}`,
    });
    await ready(urlOf(nats));
    const other = await occupy(nats.port);
    const { failure } = await fails("not-ready", urlOf(nats));
    assert.equal(failure.kind, "nats:maximum-connections-exceeded");
    other.destroy();
    await ready(urlOf(nats));
  }
});

test("NATS is spoken to over TLS that is verified, whatever the scheme is", async () => {
  const authority = makeAuthority();
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  const files = { "cert.pem": cert, "key.pem": key, "ca.pem": authority.cert };
  for (const login of [[], ["--user", "app", "--pass", "s3cret"]]) {
    await using nats = await startNats(
      ["--tls", "--tlscert", "cert.pem", "--tlskey", "key.pem", ...login],
      files,
    );
    const ca = join(nats.folder, "ca.pem");
    await ready("--ca", ca, urlOf(nats));
    await ready("--ca", ca, urlOf(nats, "", "tls"));
    await ready("--ca", ca, urlOf(nats, "app:s3cret@", "tls"));
    await ready("--insecure", `tls://127.0.0.1:${nats.port}`);
    assertQuiet(nats);
    assert.equal((await fails("not-ready", urlOf(nats))).failure.kind, "tls:certificate");
  }
});

test("NATS that wants a client certificate says so to who has none", async () => {
  const authority = makeAuthority();
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  const client = issue({ name: "app", issuer: authority });
  const files = {
    "cert.pem": cert,
    "key.pem": key,
    "ca.pem": authority.cert,
    "client.pem": client.cert,
    "client-key.pem": client.key,
  };
  const options = ["--tlsverify", "--tlscert", "cert.pem", "--tlskey", "key.pem", "--tlscacert", "ca.pem"];
  await using nats = await startNats(options, files);
  const at = (name: string) => join(nats.folder, name);
  await ready("--ca", at("ca.pem"), "--cert", at("client.pem"), "--key", at("client-key.pem"), urlOf(nats));
  assertQuiet(nats);
  const { failure } = await fails("not-ready", "--ca", at("ca.pem"), urlOf(nats));
  assert.match(failure.message, /certificate/);
});

test("NATS without TLS is not ready for a URL with it, and notes nothing", async () => {
  await using nats = await startNats();
  await ready(urlOf(nats));
  assert.equal((await fails("not-ready", urlOf(nats, "", "tls"))).failure.kind, "nats:no-tls");
  assertQuiet(nats);
});
