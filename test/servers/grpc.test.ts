import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { logVerbosity, Server, ServerCredentials, setLogger, setLogVerbosity } from "@grpc/grpc-js";
import { HealthImplementation } from "grpc-health-check";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort } from "../helpers/peers.ts";
import { temporary } from "../helpers/temporary.ts";
import { fails, ready } from "../helpers/wait.ts";

/** What the library of the servers has logged. */
const log: unknown[] = [];
setLogger({ error: (line) => log.push(line), info: (line) => log.push(line), debug: () => {} });
setLogVerbosity(logVerbosity.INFO);

/** A server that stops when all its connections have been closed. */
async function startGrpc(
  port: number,
  health?: HealthImplementation,
  credentials = ServerCredentials.createInsecure(),
): Promise<AsyncDisposable> {
  const server = new Server();
  health?.addToServer(server);
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, credentials, (error) => (error ? reject(error) : resolve()));
  });
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve, reject) => {
        server.tryShutdown((error) => (error ? reject(error) : resolve()));
      }),
  };
}

test("gRPC's own server is followed as it starts, serves, stops serving and stops, and logs nothing", async () => {
  const port = await freePort();
  const url = `grpc://127.0.0.1:${port}`;
  const waiting = ready(url);
  const health = new HealthImplementation({ "": "SERVING", "shop.v1.Cart": "NOT_SERVING" });
  {
    await using _server = await startGrpc(port, health);
    await waiting;
    const { failure } = await fails("not-ready", `${url}/shop.v1.Cart`);
    assert.equal(failure.kind, "expectation:grpc-NOT_SERVING");
    const serving = ready(`${url}/shop.v1.Cart`);
    health.setStatus("shop.v1.Cart", "SERVING");
    await serving;
    assert.equal((await fails("not-ready", `${url}/nobody`)).failure.kind, "expectation:grpc-NOT_FOUND");
    await ready("--absent", `${url}/nobody`);
    await fails("not-ready", "--absent", url);
  }
  await ready("--absent", url);
  assert.deepEqual(log, []);
});

test("a server without a health service is told from one that is not ready", async () => {
  const port = await freePort();
  await using _server = await startGrpc(port);
  const { failure } = await fails("not-ready", `grpc://127.0.0.1:${port}`);
  assert.equal(failure.kind, "grpc:UNIMPLEMENTED");
  assert.match(failure.message, /grpc\.health\.v1\.Health/);
});

test("over TLS the certificates of both sides are checked", async (t) => {
  const authority = makeAuthority();
  const client = issue({ name: "client", issuer: authority });
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  const folder = temporary(t);
  const files = { ca: authority.cert, cert: client.cert, key: client.key };
  for (const [name, pem] of Object.entries(files)) writeFileSync(join(folder, name), pem);
  const pair = { cert_chain: Buffer.from(cert), private_key: Buffer.from(key) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.cert), [pair], true);

  const port = await freePort();
  await using _server = await startGrpc(port, new HealthImplementation({ "": "SERVING" }), credentials);
  const url = `grpcs://localhost:${port}`;
  const given = Object.keys(files).flatMap((name) => [`--${name}`, join(folder, name)]);
  await ready(url, ...given);
  await ready(`grpcs://127.0.0.1:${port}`, ...given, "--server-name", "localhost");
  const withoutCertificate = await fails("not-ready", url, "--ca", join(folder, "ca"));
  assert.match(withoutCertificate.failure.kind, /^(?:tls|reset)$/);
  assert.equal((await fails("not-ready", url)).failure.kind, "tls:certificate");
});
