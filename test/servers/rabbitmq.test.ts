import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort } from "../helpers/peers.ts";
import { type ServerProcess, startServer } from "../helpers/server-process.ts";
import { fails, ready } from "../helpers/wait.ts";

/** RabbitMQ's name service runs in the foreground, for as a daemon it would outlive the test. */
const run =
  "epmd & until epmd -names >/dev/null 2>&1; do sleep 0.05; done; exec /usr/lib/rabbitmq/bin/rabbitmq-server";

const startRabbitMq = (configuration: (folder: string) => string = () => ""): Promise<ServerProcess> =>
  startServer(async (port, folder) => {
    writeFileSync(join(folder, ".erlang.cookie"), "initkit", { mode: 0o400 });
    writeFileSync(join(folder, "plugins"), "[].");
    writeFileSync(join(folder, "rabbitmq.conf"), configuration(folder));
    return { command: ["sh", "-c", run], env: await settings(port, folder) };
  });

async function settings(port: number, folder: string): Promise<Record<string, string>> {
  return {
    ERL_EPMD_ADDRESS: "127.0.0.1",
    ERL_EPMD_PORT: String(await freePort()),
    RABBITMQ_CONFIG_FILE: join(folder, "rabbitmq"),
    RABBITMQ_CONF_ENV_FILE: join(folder, "none"),
    RABBITMQ_DIST_PORT: String(await freePort()),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, "plugins"),
    RABBITMQ_LOGS: "-",
    RABBITMQ_LOG_BASE: join(folder, "log"),
    RABBITMQ_MNESIA_BASE: join(folder, "mnesia"),
    RABBITMQ_NODENAME: `initkit${port}@localhost`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
  };
}

/** Waits for what the server logs a moment after it has answered. */
async function logged(server: ServerProcess, pattern: RegExp): Promise<void> {
  while (!pattern.test(server.log())) await setTimeout(20);
}

/** What the log says of clients at the level of a warning or above. */
const complaints = (server: ServerProcess): readonly string[] =>
  server
    .log()
    .split("\n")
    .filter((line) => /\[(?:warning|error)\].*(?:connection|client|refused|vhost )/.test(line));

test("RabbitMQ is waited for while it starts, and a login leaves no warning in its log", async () => {
  await using rabbit = await startRabbitMq();
  const at = (userinfo: string, path = "") => `amqp://${userinfo}127.0.0.1:${rabbit.port}${path}`;
  const { attempts } = await ready(at("guest:guest@"));
  assert.ok(attempts > 1);
  await ready(at(":guest@", "/%2F"));
  await logged(rabbit, /closing AMQP connection[^]*closing AMQP connection/);
  assert.deepEqual(complaints(rabbit), []);

  const wrong = await fails("refused", at("guest:wrong@"));
  assert.equal(wrong.failure.kind, "amqp:403");
  assert.equal(wrong.attempts, 1);
  const unknown = await fails("refused", at("guest:guest@", "/shop"));
  assert.equal(unknown.failure.kind, "amqp:530");

  await rabbit.stop();
  await ready("--absent", at(""));
  rabbit.start();
  await ready(at("guest:guest@"));
});

test("RabbitMQ is ready without a login, which it notes in one warning, and over TLS that is verified", async () => {
  const authority = makeAuthority();
  const { cert, key } = issue({ names: ["localhost"], issuer: authority });
  const tlsPort = await freePort();
  await using rabbit = await startRabbitMq((folder) => {
    const files = Object.entries({ certfile: cert, keyfile: key, cacertfile: authority.cert });
    for (const [name, text] of files) writeFileSync(join(folder, `${name}.pem`), text);
    const options = files.map(([name]) => `ssl_options.${name} = ${join(folder, name)}.pem`);
    return [`listeners.ssl.1 = 127.0.0.1:${tlsPort}`, ...options].join("\n");
  });
  await ready(`amqp://127.0.0.1:${rabbit.port}`);
  await logged(rabbit, /client unexpectedly closed TCP connection/);
  assert.equal(complaints(rabbit).length, 2, "one complaint, of two lines");

  const ca = join(rabbit.folder, "cacertfile.pem");
  await ready("--ca", ca, `amqps://guest:guest@localhost:${tlsPort}`);
  assert.equal((await fails("not-ready", `amqps://localhost:${tlsPort}`)).failure.kind, "tls:certificate");
  const plain = await fails("not-ready", `amqp://localhost:${tlsPort}`, "--attempt-timeout", "1s");
  assert.equal(plain.failure.kind, "protocol");
});
