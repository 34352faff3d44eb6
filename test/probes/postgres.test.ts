import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort, openResources, type Peer, startPeer } from "../helpers/peers.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";

const waitFor = (...words: string[]): Promise<TaskRun> => runTask("wait-for", words);

async function ready(...words: string[]): Promise<TaskRun> {
  const run = await waitFor(...words, "--timeout", "20s");
  assert.equal(run.status, "done", String(run.failure?.message));
  return run;
}

/** Waits for a few attempts, and expects a failure of this code. */
async function fails(code: "not-ready" | "refused", ...words: string[]) {
  const { failure, attempts } = await waitFor(
    ...words,
    "--retries",
    "2",
    "--backoff",
    "5ms",
    "--timeout",
    "20s",
  );
  assert.equal(failure?.code, code, String(failure?.message));
  return { failure, attempts };
}

function message(type: string, body: string | Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

const error = (sqlState: string, text: string): Buffer =>
  message("E", `SFATAL\0VFATAL\0C${sqlState}\0M${text}\0\0`);
const passwordPlease = message("R", Buffer.from([0, 0, 0, 3]));
const starting = error("57P03", "the database system is starting up");

/** A server without TLS that answers the n-th start-up message, and hangs up when it answers with an error. */
function startFake(answer: (number: number) => Buffer | undefined): Promise<Peer> {
  let asked = 0;
  return startPeer((socket: Socket) => {
    socket.on("data", (bytes) => {
      if (bytes.length === 8) return void socket.write("N");
      const says = answer(++asked);
      if (!says) return;
      socket.write(says);
      if (says[0] === 0x45) socket.end();
    });
  });
}

const urlOf = (peer: Peer, rest = ""): string => `postgres://127.0.0.1:${peer.port}${rest}`;

test("a server that asks for the password is ready, after two looks 250 ms apart", async () => {
  await using fake = await startFake(() => passwordPlease);
  const startedAt = performance.now();
  const { report } = await ready(urlOf(fake, "/app"));
  assert.ok(performance.now() - startedAt >= 249);
  assert.equal(fake.counts.accepted, 2);
  assert.equal(report["targets"][0].target, urlOf(fake, "/app"));
  await fake.idle();
  await ready(urlOf(fake), "--successes", "1");
  assert.equal(fake.counts.accepted, 3);
});

test("a server that starts, goes away and comes back is ready only then", async () => {
  const answers = [starting, passwordPlease, starting, starting, passwordPlease, passwordPlease];
  await using fake = await startFake((number) => answers[number - 1] ?? passwordPlease);
  const { attempts } = await ready(urlOf(fake));
  assert.equal(attempts, 6);
});

test("a server that is starting or full is not ready, and says why", async () => {
  for (const says of [starting, error("53300", "sorry, too many clients already")]) {
    await using fake = await startFake(() => says);
    const { failure, attempts } = await fails("not-ready", urlOf(fake));
    assert.match(failure.kind, /^postgres:(57P03|53300)$/);
    assert.match(failure.message, /starting up|too many clients/);
    assert.equal(attempts, 3);
    await fake.idle();
  }
});

test("a server that turns us down for any other reason is ready", async () => {
  for (const state of ["28000", "3D000", "0A000"]) {
    await using fake = await startFake(() => error(state, "no"));
    await ready(urlOf(fake), "--successes", "1");
  }
});

test("of several servers one is enough, and a silent one does not hold it up", async () => {
  await using silent = await startFake(() => undefined);
  await using good = await startFake(() => passwordPlease);
  const before = await openResources();
  const startedAt = performance.now();
  await ready(`postgres://127.0.0.1:${await freePort()},127.0.0.1:${silent.port},127.0.0.1:${good.port}/app`);
  assert.ok(performance.now() - startedAt < 4_000);
  await Promise.all([silent.idle(), good.idle()]);
  assert.deepEqual(await openResources(), before);
});

test("silence, another protocol and a proxy without a backend are told apart", async () => {
  for (const [kind, behave] of [
    ["postgres:timeout", () => {}],
    ["protocol", (socket: Socket) => socket.write("HTTP/1.1 400 Bad Request\r\n")],
    ["reset", (socket: Socket) => socket.end()],
  ] as const) {
    await using peer = await startPeer(behave);
    for (const mode of ["disable", "prefer"]) {
      const url = urlOf(peer, `?sslmode=${mode}`);
      const { failure } = await fails("not-ready", url, "--attempt-timeout", "100ms");
      assert.equal(failure.kind, kind, failure.message);
    }
    await peer.idle();
  }
});

test("absent is met when nobody listens, not by a server that is starting", async () => {
  await using fake = await startFake(() => starting);
  await fails("not-ready", "--absent", urlOf(fake));
  await ready("--absent", `postgres://127.0.0.1:${await freePort()},127.0.0.1:${await freePort()}/app`);
  await fails("not-ready", "--absent", `postgres://127.0.0.1:${await freePort()},127.0.0.1:${fake.port}/app`);
});

test("a server that is started while it is waited for is found", async () => {
  const port = await freePort();
  const waiting = ready(`postgres://127.0.0.1:${port}`);
  await using _ = await startPostgres({ port });
  assert.ok((await waiting).attempts > 1);
});

describe("a real server", () => {
  const authority = makeAuthority();
  const certificate = issue({ names: ["localhost"], issuer: authority });
  let postgres: Postgres;
  let folder: string;
  let ca: string;
  before(async () => {
    postgres = await startPostgres({
      settings: { ssl: "on", log_connections: "off" },
      files: { "server.crt": certificate.cert, "server.key": certificate.key },
      hba: [
        "hostssl all tls_only all scram-sha-256",
        "hostnossl all plain_only all scram-sha-256",
        "host all tls_only,plain_only all reject",
      ],
    });
    const { default: pg } = await import("pg");
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    for (const user of ["app", "tls_only", "plain_only"])
      await client.query(`create role ${user} login password 's3cret'`);
    await client.end();
    folder = await mkdtemp(join(tmpdir(), "initkit-probe-"));
    ca = join(folder, "ca.pem");
    await writeFile(ca, authority.cert);
  });
  after(async () => {
    await postgres.stop();
    await rm(folder, { recursive: true });
  });

  const url = (userinfo: string, rest = "/postgres", host = "127.0.0.1"): string =>
    `postgres://${userinfo}@${host}:${postgres.port}${rest}`;

  test("is ready without a password, and writes nothing into its log", async () => {
    const before = postgres.log();
    for (const mode of ["disable", "prefer", "require"]) await ready(url("app", `/postgres?sslmode=${mode}`));
    await ready(url("nobody", "/nothing"));
    assert.equal(postgres.log(), before);
  });

  test("is ready over its Unix socket", async () => {
    await ready(`postgres:///postgres?host=${postgres.socketDir}&port=${postgres.port}&user=app`);
    await ready(`postgres://app:s3cret@${encodeURIComponent(postgres.socketDir)}:${postgres.port}/postgres`);
  });

  test("is logged in to with credentials", async () => {
    const before = await openResources();
    await ready(url("app:s3cret"));
    assert.deepEqual(await openResources(), before);
  });

  test("refuses a wrong password and an unknown database for good, at once", async () => {
    for (const [refused, kind] of [
      [url("app:wrong"), "postgres:28P01"],
      [url("app:s3cret", "/nothing"), "postgres:3D000"],
    ] as const) {
      const { failure, attempts } = await fails("refused", refused);
      assert.equal(failure.kind, kind);
      assert.equal(failure.exitCode, 20);
      assert.equal(attempts, 1);
    }
  });

  test("that refuses ends the wait for all targets, unless any one is enough", async () => {
    const closed = `127.0.0.1:${await freePort()}`;
    const { failure, report } = await waitFor(closed, url("app:wrong"), "--timeout", "20s");
    assert.equal(failure?.exitCode, 20);
    assert.deepEqual(
      report["targets"].map((entry: { ready: boolean }) => entry.ready),
      [false, false],
    );
    assert.equal(report["targets"][1].error.code, "refused");

    await ready("--any", url("app:wrong"), url("app"));
    assert.equal(
      (await waitFor("--any", url("app:wrong"), url("app:wrong", "/nothing"))).failure?.exitCode,
      20,
    );
    assert.equal(
      (await waitFor("--any", url("app:wrong"), closed, "--timeout", "300ms")).failure?.exitCode,
      10,
    );
  });

  test("is asked for TLS as sslmode says", async () => {
    const verified = (mode: string) => `/postgres?sslmode=${mode}&sslrootcert=${ca}`;
    for (const userinfo of ["app", "app:s3cret"]) {
      await ready(url(userinfo, verified("verify-full"), "localhost"), "--successes", "1");
      await ready(url(userinfo, verified("verify-ca")), "--successes", "1");
      const wrongName = await fails("not-ready", url(userinfo, verified("verify-full")));
      assert.equal(wrongName.failure.kind, "tls:certificate");
      const unknown = await fails(
        "not-ready",
        url(userinfo, "/postgres?sslmode=verify-full&sslrootcert=system"),
      );
      assert.equal(unknown.failure.kind, "tls:certificate");
    }
    await using plain = await startFake(() => passwordPlease);
    await ready(urlOf(plain, "?sslmode=prefer"), "--successes", "1");
    await fails("not-ready", urlOf(plain, "?sslmode=require"));
  });

  test("that lets a user in with TLS only, or without, is tried both ways", async () => {
    await ready(url("tls_only:s3cret"), "--successes", "1");
    await ready(url("tls_only:s3cret", "/postgres?sslmode=allow"), "--successes", "1");
    await ready(url("plain_only:s3cret"), "--successes", "1");
    const { failure } = await fails("refused", url("plain_only:s3cret", "/postgres?sslmode=require"));
    assert.equal(failure.kind, "postgres:28000");
  });

  test("whose CA file is missing is a configuration error", async () => {
    const { failure } = await waitFor(
      url("app", `/postgres?sslmode=verify-ca&sslrootcert=${folder}/none.pem`),
    );
    assert.equal(failure?.exitCode, 2);
    assert.match(failure.message, /none\.pem/);
  });

  test("is absent once its database is gone", async () => {
    await ready("--absent", url("app:s3cret", "/nothing"));
    await fails("not-ready", "--absent", url("app:s3cret"));
  });
});
