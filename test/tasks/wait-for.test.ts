import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline, Readable } from "node:stream";
import { after, before, test } from "node:test";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { initkit } from "../helpers/initkit.ts";
import { freePort, openResources, startPeer } from "../helpers/peers.ts";
import { runTask, type TaskRun } from "../helpers/run-task.ts";
import { startSilentHost } from "../helpers/silent-host.ts";

const waitFor = (...words: string[]): Promise<TaskRun> => runTask("wait-for", words);

/** Waits for a few attempts, and expects the failure `not-ready`. */
async function notReady(...words: string[]) {
  const impatient = words.includes("--timeout") ? [] : ["--retries", "2", "--backoff", "5ms"];
  const { status, failure, report, attempts } = await waitFor(...words, ...impatient);
  assert.equal(status, "failed");
  assert.equal(failure!.code, "not-ready", failure!.message);
  return { failure: failure!, report, attempts };
}

async function ready(...words: string[]): Promise<TaskRun> {
  const run = await waitFor(...words, "--timeout", "10s");
  assert.equal(run.status, "done", String(run.failure?.message));
  return run;
}

const tcp = (peer: { readonly port: number }): string => `tcp://127.0.0.1:${peer.port}`;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "initkit-wait-"));
});
after(() => rm(folder, { recursive: true }));

test("a server that takes connections is ready, silent or not, and its connection is closed", async () => {
  for (const behave of [() => {}, (socket: Socket) => socket.write("220 mail ready\r\n")]) {
    await using peer = await startPeer(behave);
    const { report } = await ready(tcp(peer));
    assert.equal(peer.counts.accepted, 1);
    await peer.idle();
    const [entry] = report["targets"];
    assert.equal(entry.target, tcp(peer));
    assert.deepEqual([entry.ready, entry.attempts, entry.error], [true, 1, undefined]);
    assert.equal(typeof entry.durationMs, "number");
  }
});

test("host:port and an IPv6 address are targets too", async () => {
  await using peer = await startPeer(() => {});
  await ready(`localhost:${peer.port}`);
  const six = await startPeer(() => {}, { host: "::1" }).catch(() => undefined);
  if (!six) return;
  await ready(`[::1]:${six.port}`);
  await six[Symbol.asyncDispose]();
});

test("a server that opens its port later is found soon after", async () => {
  const port = await freePort();
  const waiting = ready(`127.0.0.1:${port}`);
  await new Promise((resolve) => setTimeout(resolve, 300));
  await using _ = await startPeer(() => {}, { port });
  const { attempts } = await waiting;
  assert.ok(attempts > 1);
});

test("a proxy that accepts and hangs up is not ready", async () => {
  for (const hangUp of ["end", "resetAndDestroy"] as const) {
    await using peer = await startPeer((socket) => void socket[hangUp]());
    const { failure, attempts } = await notReady(tcp(peer));
    assert.match(failure.message, /accepted, then/);
    assert.ok(failure.hint);
    assert.equal(attempts, 3);
  }
});

test("a closed port ends with 10 and says what to check", async () => {
  const port = await freePort();
  const { failure, report, attempts } = await notReady(`127.0.0.1:${port}`, "--timeout", "300ms");
  assert.ok(attempts > 1);
  assert.equal(failure.exitCode, 10);
  assert.equal(failure.kind, "connect:ECONNREFUSED");
  assert.match(failure.message, new RegExp(`127\\.0\\.0\\.1:${port}`));
  assert.ok(failure.hint);
  const [entry] = report["targets"];
  assert.equal(entry.ready, false);
  assert.equal(entry.error.code, "not-ready");
});

test("a host that drops packets is told as that, attempt by attempt", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  const before = await openResources();
  const { failure, attempts } = await notReady(`127.0.0.3:${silent.port}`, "--attempt-timeout", "50ms");
  assert.equal(failure.kind, "connect:timeout");
  assert.match(failure.hint!, /NetworkPolic/);
  assert.ok(attempts > 1);
  assert.deepEqual(await openResources(), before);
});

test("all targets are waited for at the same time, and a failure tells of every one", async () => {
  await using open = await startPeer(() => {});
  const [one, two] = [await freePort(), await freePort()];
  const { failure, report } = await notReady(tcp(open), `127.0.0.1:${one}`, `127.0.0.1:${two}`);
  for (const part of ["2 of 3", `:${one}`, `:${two}`, `:${open.port}`])
    assert.ok(failure.message.includes(part));
  const entries: { ready: boolean }[] = report["targets"];
  assert.deepEqual(
    entries.map((entry) => entry.ready),
    [true, false, false],
  );
});

test("many targets at once are no cause for a warning", async () => {
  await using peer = await startPeer(() => {});
  const targets = Array.from({ length: 40 }, (_, at) =>
    at % 2 ? tcp(peer) : `http://localhost:${peer.port}/${at}`,
  );
  const { exitCode, stderr, events } = await initkit(["wait-for", ...targets, "--timeout", "1s"]);
  assert.equal(exitCode, 10);
  assert.equal(stderr.trim().split("\n").length, events.length, stderr);
});

test("with any, one target is enough and the others are let go", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  await using open = await startPeer(() => {});
  const before = await openResources();
  const { report } = await ready("--any", `127.0.0.3:${silent.port}`, tcp(open));
  const entries: { ready: boolean }[] = report["targets"];
  assert.deepEqual(
    entries.map((entry) => entry.ready),
    [false, true],
  );
  assert.deepEqual(await openResources(), before);
});

test("successes and stable-for start anew when a probe fails in between", async () => {
  for (const [option, value, connections] of [
    ["--successes", "3", 5],
    ["--stable-for", "400ms", 5],
  ] as const) {
    await using peer = await startPeer((socket, number) => void (number === 2 && socket.end()));
    await ready(tcp(peer), option, value);
    assert.ok(peer.counts.accepted >= connections, `${option}: ${peer.counts.accepted}`);
  }
});

test("a target that is not steady in time is told as that", async () => {
  await using peer = await startPeer(() => {});
  const { failure } = await notReady(tcp(peer), "--stable-for", "1h", "--timeout", "400ms");
  assert.match(failure.message, /1h/);
});

test("absent is met by a port that nobody listens on, also when it closes later", async () => {
  await ready("--absent", `127.0.0.1:${await freePort()}`);
  const server = createTcpServer((socket) => socket.on("error", () => {}).resume()).listen(0, "127.0.0.1");
  await once(server, "listening");
  const waiting = ready("--absent", `127.0.0.1:${(server.address() as AddressInfo).port}`);
  await once(server, "connection");
  server.close();
  assert.ok((await waiting).attempts > 1);
});

test("absent is not met by silence, by a name that never resolved, or by a server that is there", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  await using open = await startPeer(() => {});
  for (const target of [`127.0.0.3:${silent.port}`, "never.invalid:80", tcp(open)]) {
    await notReady("--absent", target, "--attempt-timeout", "100ms");
  }
});

test("an option that has nothing to do is told beforehand, with all others", async () => {
  for (const [words, ...parts] of [
    [["tcp://db:1", "--status", "200"], "status"],
    [["tcp://db:1", "--match", "x", "--no-redirects"], "match", "no-redirects"],
    [["tcp://db:1", "--insecure"], "insecure"],
    [["http://db", "--ca", "/ca.pem"], "ca"],
    [["https://db", "--cert", "/c.pem"], "key"],
    [["http://db", "--method", "HEAD", "--match", "x"], "HEAD"],
    [["http://db", "--header", "Content-Length: 3"], "Content-Length"],
    [["tcp://db:1", "--cert", "/c.pem", "--body", "x"], "key", "body"],
    [["oracle://db"], "redis://"],
  ] as [string[], ...string[]][]) {
    const { status, failure } = await waitFor(...words);
    assert.equal(status, "rejected", words.join(" "));
    for (const part of parts) assert.ok(failure!.message.includes(part), failure!.message);
  }
});

interface WebServer extends AsyncDisposable {
  readonly url: string;
  readonly bodies: string[];
}

async function startWeb(answer: (number: number) => RequestListener, tls?: object): Promise<WebServer> {
  const bodies: string[] = [];
  const listener: RequestListener = async (request, response) => {
    bodies.push((await request.setEncoding("utf8").toArray()).join(""));
    answer(bodies.length)(request, response);
  };
  const server = tls ? createTlsServer(tls, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http${tls ? "s" : ""}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  };
}

const status =
  (code: number, headers = {}): RequestListener =>
  (_, response) =>
    response.writeHead(code, headers).end();

test("a status outside the expected ones is waited out", async () => {
  await using web = await startWeb((number) => status(number < 4 ? 503 : 200));
  const { attempts, report } = await ready(`${web.url}/healthz`);
  assert.equal(attempts, 4);
  assert.equal(report["targets"][0].target, `${web.url}/healthz`);
  assert.equal(web.bodies.length, 4);
});

test("no status is a refusal, and the last one is told", async () => {
  for (const code of [401, 403, 404, 500]) {
    await using web = await startWeb(() => status(code));
    const { failure } = await notReady(web.url);
    assert.equal(failure.kind, `expectation:status-${code}`);
    await ready(web.url, "--status", `200,${code}`);
    await ready(web.url, "--status", "any");
  }
});

test("a redirect is followed, unless it is the answer that is wanted", async () => {
  await using web = await startWeb(() => (request, response) => {
    if (request.url === "/") status(302, { location: "/login" })(request, response);
    else status(503)(request, response);
  });
  await notReady(web.url);
  await ready(web.url, "--no-redirects");
  await ready(web.url, "--status", "302");
  await notReady(web.url, "--no-redirects", "--status", "2xx");
});

test("a redirect that cannot be followed is not ready, no refusal", async () => {
  await using web = await startWeb(() => status(302, { location: "/" }));
  assert.equal((await notReady(web.url)).failure.kind, "redirect");
});

test("method, headers and the whole body go out at every attempt", async () => {
  const seen: (string | undefined)[] = [];
  await using web = await startWeb((number) => (request, response) => {
    seen.push(`${request.method} ${String(request.headers["x-a"])}`);
    status(number < 3 ? 503 : 200)(request, response);
  });
  await ready(web.url, "--body", '{"query":1}', "--header", "X-A: b");
  assert.deepEqual(web.bodies, ['{"query":1}', '{"query":1}', '{"query":1}']);
  assert.deepEqual(seen, ["POST b", "POST b", "POST b"]);
  await ready(web.url, "--method", "options");
  assert.match(seen.at(-1)!, /^OPTIONS/);
});

test("match and json look at the body, and both must hold", async () => {
  const bodies = ["", "starting", '{"status":"DOWN"}', '{"status":"UP","checks":[{"n":1}]}'];
  await using web = await startWeb(
    (number) => (_, response) => response.end(bodies[Math.min(number, 4) - 1]),
  );
  const { attempts } = await ready(
    web.url,
    "--json",
    "status=UP",
    "--json",
    "checks[0].n=1",
    "--match",
    '"n":1',
  );
  assert.equal(attempts, 4);
  const { failure } = await notReady(web.url, "--json", "status=UP", "--match", "DOWN");
  assert.equal(failure.kind, "expectation:match");
  assert.equal((await notReady(web.url, "--json", "status=DOWN")).failure.kind, "expectation:json");
});

test("a pattern that would never end on a body is given up, and neither timeout nor signal waits for it", async () => {
  await using web = await startWeb(() => (_, response) => response.end(`${"a".repeat(40)}!`));
  const startedAt = performance.now();
  const { failure } = await notReady(web.url, "--match", "^(a+)+$");
  assert.equal(failure.kind, "expectation:match");
  assert.ok(performance.now() - startedAt < 20_000);
});

test("a body without end is read up to a bound", async () => {
  const endless = function* () {
    for (;;) yield Buffer.alloc(64 * 1024, "x");
  };
  await using web = await startWeb(() => (_, response) => {
    pipeline(Readable.from(endless()), response, () => {});
  });
  await ready(web.url, "--match", "xxx");
  assert.equal((await notReady(web.url, "--match", "y")).failure.kind, "expectation:match");
  assert.match((await notReady(web.url, "--json", "a=b")).failure.message, /1 MiB/);
});

test("a server that trickles its answer is cut off by the attempt, one connection at a time", async () => {
  await using peer = await startPeer((socket) => {
    const timer = setInterval(() => socket.write("H"), 20);
    socket.on("close", () => clearInterval(timer));
  });
  const { failure } = await notReady(`http://127.0.0.1:${peer.port}`, "--attempt-timeout", "100ms");
  assert.ok(["headers-timeout", "protocol"].includes(failure.kind), failure.kind);
  assert.equal(peer.counts.most, 1);
  await peer.idle();
});

test("Retry-After is honoured", async () => {
  await using web = await startWeb((number) => status(number < 2 ? 503 : 200, { "retry-after": "1" }));
  const startedAt = performance.now();
  await ready(web.url);
  assert.ok(performance.now() - startedAt >= 990);
});

const authority = makeAuthority("our CA");

test("a certificate is verified with ca, and one that does not verify is not ready, no refusal", async () => {
  const ca = join(folder, "ca.pem");
  await writeFile(ca, authority.cert);
  await using web = await startWeb(() => status(200), issue({ names: ["auth.test"], issuer: authority }));
  assert.equal((await notReady(web.url)).failure.kind, "tls:certificate");
  assert.match((await notReady(web.url, "--ca", ca)).failure.message, /auth\.test/);
  await ready(web.url, "--ca", ca, "--server-name", "auth.test");
  await ready(web.url, "--insecure");
  assert.equal((await notReady("--absent", web.url)).failure.kind, "tls:certificate");
});

test("no variable takes the verification away, nor puts anything into the log that is no line of it", async () => {
  await using web = await startWeb(() => status(200), issue({ names: ["auth.test"], issuer: authority }));
  const env = { NODE_TLS_REJECT_UNAUTHORIZED: "0" };
  const { exitCode, stderr } = await initkit(["wait-for", web.url, "--timeout", "1s"], { env });
  assert.equal(exitCode, 10);
  for (const line of stderr.trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line), line);
});

test("a CA file that is missing is 2, before any connection", async () => {
  await using peer = await startPeer(() => {});
  const { failure } = await waitFor(
    `https://127.0.0.1:${peer.port}`,
    tcp(peer),
    "--ca",
    join(folder, "none.pem"),
  );
  assert.equal(failure?.exitCode, 2);
  assert.match(failure.message, /none\.pem/);
  assert.equal(peer.counts.accepted, 0);
});

test("absent is met by an expectation that no longer holds", async () => {
  await using web = await startWeb((number) => status(number < 3 ? 200 : 503));
  const { attempts } = await ready("--absent", web.url);
  assert.equal(attempts, 3);
});

test("the process ends as soon as the wait does, and at once on SIGTERM", async () => {
  await using silent = await startSilentHost("127.0.0.3");
  await using peer = await startPeer((socket) => void socket.write("220\r\n"));
  const startedAt = performance.now();
  const done = await initkit(["wait-for", tcp(peer), "--timeout", "30s"]);
  assert.equal(done.exitCode, 0, done.stderr);
  const stopped = await initkit(
    ["wait-for", `127.0.0.3:${silent.port}`, "never.invalid:1", "--timeout", "30s"],
    {
      onEvent: ({ event }, child) => event === "attempt.failed" && child.kill("SIGTERM"),
    },
  );
  assert.equal(stopped.exitCode, 143, stopped.stderr);
  assert.deepEqual(
    stopped.report!["steps"][0].targets.map(({ ready: isReady }: { ready: boolean }) => isReady),
    [false, false],
  );
  assert.ok(performance.now() - startedAt < 15_000);
});

test("no credentials of a URL are told, whatever happens", async () => {
  const port = await freePort();
  const urls = [
    `http://me:hunter2two@127.0.0.1:${port}/`,
    `postgres://me:hunter2two@127.0.0.1:${port}/app`,
    `postgres://me:p%40hunter2two@127.0.0.1:${port}/app`,
    `postgres://me:a#hunter2two@127.0.0.1:${port}/app`,
  ];
  const { exitCode, stderr, report } = await initkit(["wait-for", ...urls, "--timeout", "300ms"]);
  assert.equal(exitCode, 10);
  assert.equal(report!["steps"][0].targets.length, 4);
  assert.ok(!(stderr + JSON.stringify(report)).includes("hunter2two"));
});
