import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort } from "../helpers/peers.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

const startRedis = (...options: string[]): Promise<ServerProcess> =>
  startServer((port, folder) => ({
    command: ["redis-server", "--port", `${port}`, "--bind", "127.0.0.1", "--dir", folder, ...options],
  }));

test("Redis is found ready while it starts, leaves no line in its log, and is gone when it has stopped", async () => {
  await using redis = await startRedis("--loglevel", "verbose", "--unixsocket", "redis.sock");
  const url = `redis://127.0.0.1:${redis.port}`;
  await ready(url);
  await ready(`redis+unix://${redis.folder}/redis.sock?db=1`);
  assert.doesNotMatch(redis.log(), /error|reset|Protocol/i);
  await redis.stop();
  await ready("--absent", url);
  redis.start();
  await ready(url);
});

test("Redis with a password is ready without it, lets in who has it, and refuses who has a wrong one", async () => {
  await using redis = await startRedis("--requirepass", "s3cret");
  const at = (userinfo: string, database = "") => `redis://${userinfo}127.0.0.1:${redis.port}/${database}`;
  await ready(at(""));
  await ready(at(":s3cret@", "1"));
  await ready(at("default:s3cret@"));
  assert.equal((await fails("refused", at(":wrong@"))).attempts, 1);
  assert.equal((await fails("refused", at(":s3cret@", "99"))).failure.kind, "redis:database");
});

test("Redis is spoken to over TLS that is verified", async () => {
  const authority = makeAuthority();
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  const tlsPort = await freePort();
  await using redis = await startServer((port, folder) => {
    for (const [name, text] of Object.entries({ cert, key, ca: authority.cert }))
      writeFileSync(join(folder, `${name}.pem`), text);
    const files = ["cert", "key", "ca-cert"].map((name) => [
      `--tls-${name}-file`,
      `${name.replace("-cert", "")}.pem`,
    ]);
    return {
      command: [
        "redis-server",
        "--port",
        `${port}`,
        "--tls-port",
        `${tlsPort}`,
        "--tls-auth-clients",
        "no",
        ...files.flat(),
      ],
    };
  });
  await ready("--ca", join(redis.folder, "ca.pem"), `rediss://localhost:${tlsPort}`);
  await ready("--insecure", `rediss://127.0.0.1:${tlsPort}`);
  assert.equal((await fails("not-ready", `rediss://localhost:${tlsPort}`)).failure.kind, "tls:certificate");
  const plain = await fails("not-ready", `rediss://localhost:${redis.port}`, "--attempt-timeout", "200ms");
  assert.equal(plain.failure.kind, "tls:timeout");
});
