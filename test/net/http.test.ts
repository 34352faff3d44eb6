import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { checkHeaders } from "../../src/net/headers.ts";
import { type HttpResponse, request, type RequestOptions } from "../../src/net/http.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort, openResources, startPeer } from "../helpers/peers.ts";

const never = new AbortController().signal;
const authority = makeAuthority();
const ca = Buffer.from(authority.cert);
const certificate = issue({ names: ["localhost", "127.0.0.1"], issuer: authority });

interface HttpServer extends AsyncDisposable {
  readonly origin: string;
  readonly seen: IncomingMessage[];
  readonly bodies: string[];
}

async function startServer(
  answer: RequestListener,
  { secure = false, wantsCertificate = false } = {},
): Promise<HttpServer> {
  const seen: IncomingMessage[] = [];
  const bodies: string[] = [];
  const listener = async (asked: IncomingMessage, response: ServerResponse) => {
    seen.push(asked);
    bodies.push((await asked.setEncoding("utf8").toArray()).join(""));
    answer(asked, response);
  };
  const wanted = { ca: authority.cert, requestCert: true, rejectUnauthorized: true };
  const settings = { ...certificate, ...(wantsCertificate && wanted) };
  const server = secure ? createTlsServer(settings, listener) : createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `${secure ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    bodies,
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** Answers each path with a redirect, or with its own name. */
const redirects =
  (targets: Readonly<Record<string, string>>, status = 302): RequestListener =>
  ({ url }, response) => {
    const location = targets[url!];
    if (location === undefined) response.end(`${url}`);
    else response.writeHead(status, { location }).end("moved");
  };

const ask = (url: string, options: Partial<RequestOptions> = {}): Promise<HttpResponse> =>
  request(new URL(url), { signal: never, code: "not-ready", tls: { ca }, ...options });

async function textOf({ body }: HttpResponse): Promise<string> {
  return (await body.setEncoding("utf8").toArray()).join("");
}

function rejectsWith(promise: Promise<unknown>, kind: string, ...parts: readonly string[]): Promise<void> {
  return assert.rejects(promise, (error: Failure) => {
    assert.ok(error instanceof Failure, String(error));
    assert.equal(error.kind, kind, error.message);
    for (const part of parts) assert.ok(error.message.includes(part), error.message);
    return true;
  });
}

test("an answer has its status, headers, body and final URL, over TLS too", async () => {
  for (const secure of [false, true]) {
    await using server = await startServer(
      (_, response) =>
        response.writeHead(503, { "Retry-After": "7", "Set-Cookie": ["a", "b"] }).end("starting"),
      { secure },
    );
    const response = await ask(`${server.origin}/healthz?deep=1#x`);
    assert.equal(response.status, 503);
    assert.equal(response.headers["retry-after"], "7");
    assert.deepEqual(response.headers["set-cookie"], ["a", "b"]);
    assert.equal(response.url.href, `${server.origin}/healthz?deep=1`);
    assert.equal(await textOf(response), "starting");
  }
});

test("initkit names itself and asks for the bytes as they are, unless the caller says otherwise", async () => {
  await using server = await startServer((_, response) => response.end());
  (await ask(server.origin)).close();
  (await ask(server.origin, { headers: [{ name: "Accept-Encoding", value: "gzip" }] })).close();
  const [first, second] = server.seen;
  assert.match(first!.headers["user-agent"]!, /^initkit\//);
  assert.equal(first!.headers["accept-encoding"], "identity");
  assert.equal(second!.headers["accept-encoding"], "gzip");
});

test("method, headers (Host too) and body go out as given", async () => {
  await using server = await startServer((_, response) => response.end());
  const headers = [
    { name: "Host", value: "auth.shop" },
    { name: "X-A", value: "1" },
    { name: "X-A", value: "2" },
  ];
  (await ask(server.origin, { method: "PUT", headers, body: "grüße" })).close();
  const [asked] = server.seen;
  assert.equal(asked!.method, "PUT");
  assert.equal(asked!.headers.host, "auth.shop");
  assert.equal(asked!.headers["x-a"], "1, 2");
  assert.deepEqual(server.bodies, ["grüße"]);
});

test("userinfo of the URL logs in, percent-decoded, and does not stay in the URL", async () => {
  await using server = await startServer((_, response) => response.end());
  const url = server.origin.replace("//", "//us%40er:p%3Ass@");
  using response = await ask(url);
  assert.equal(response.url.username + response.url.password, "");
  (await ask(server.origin.replace("//", "//me:50%zz@"))).close();
  (await ask(url, { headers: [{ name: "authorization", value: "Bearer x" }] })).close();
  const sent = server.seen.map(({ headers }) => headers.authorization);
  const basic = (credentials: string) => `Basic ${Buffer.from(credentials).toString("base64")}`;
  assert.deepEqual(sent, [basic("us@er:p:ss"), basic("me:50%zz"), "Bearer x"]);
});

test("redirects are followed to the end, within the origin with all headers", async () => {
  const told: string[] = [];
  for (const status of [301, 302, 303, 307, 308]) {
    await using server = await startServer(redirects({ "/a": "/b?x=1", "/b?x=1": "c" }, status));
    const headers = [{ name: "x-token", value: "secret" }];
    const onRedirect: RequestOptions["onRedirect"] = (from, to, code) =>
      told.push(`${code} ${from.pathname} ${to.pathname}`);
    const response = await ask(server.origin.replace("//", "//me:pw@") + "/a", { headers, onRedirect });
    assert.equal(await textOf(response), "/c");
    assert.equal(response.url.pathname, "/c");
    for (const { headers: received } of server.seen) {
      assert.equal(received["x-token"], "secret");
      assert.ok(received.authorization);
    }
  }
  assert.deepEqual(told.slice(0, 2), ["301 /a /b", "301 /b /c"]);
});

test("nothing that the caller meant for one origin goes to another", async () => {
  await using other = await startServer((_, response) => response.end("other"));
  await using server = await startServer(redirects({ "/": `${other.origin.replace("//", "//x:y@")}/` }));
  const headers = ["Authorization", "Cookie", "X-Api-Key", "Accept"].map((name) => ({
    name,
    value: "secret",
  }));
  assert.equal(await textOf(await ask(server.origin, { headers })), "other");
  assert.equal(await textOf(await ask(server.origin.replace("//", "//me:pw@"))), "other");
  for (const { headers: received } of other.seen) assert.ok(!JSON.stringify(received).includes("secret"));
  for (const { headers: received } of other.seen) assert.equal(received.authorization, undefined);
});

test("a POST becomes a GET without a body where it must, and stays a POST where it must", async () => {
  const headers = [{ name: "Content-Type", value: "text/plain" }];
  for (const [status, method] of [
    [301, "GET"],
    [302, "GET"],
    [303, "GET"],
    [307, "POST"],
    [308, "POST"],
  ] as const) {
    await using server = await startServer(redirects({ "/": "/b" }, status));
    (await ask(server.origin, { method: "POST", body: "hello", headers })).close();
    assert.equal(server.seen[1]!.method, method);
    assert.equal(server.bodies[1], method === "GET" ? "" : "hello");
    assert.equal(server.seen[1]!.headers["content-type"], method === "GET" ? undefined : "text/plain");
  }
});

test("redirects are not followed without leave, in a loop, for ever, or away from TLS and HTTP", async () => {
  await using plain = await startServer((_, response) => response.end());
  const targets = {
    "/loop": "/loop2",
    "/loop2": "/loop",
    "/down": plain.origin,
    "/ftp": "ftp://x/",
    "/bad": "http://[",
  };
  await using server = await startServer(
    (asked, response) => {
      const step = /^\/n([0-9]+)$/.exec(asked.url!)?.[1];
      if (step) response.writeHead(302, { location: `/n${Number(step) + 1}` }).end();
      else redirects(targets)(asked, response);
    },
    { secure: true },
  );
  const refused = (path: string, ...parts: string[]) =>
    rejectsWith(ask(server.origin + path), "redirect", ...parts);
  await refused("/loop", "loop");
  await refused("/n0", "10 redirects");
  await refused("/down", plain.origin);
  await refused("/ftp", "ftp:");
  await refused("/bad");
  assert.equal(plain.seen.length, 0);
  await assert.rejects(ask(`${server.origin}/down`), { code: "refused" });
  await assert.rejects(ask(`${server.origin}/down`, { redirectCode: "not-ready" }), { code: "not-ready" });

  using answer = await ask(`${server.origin}/loop`, { maxRedirects: 0 });
  assert.equal(answer.status, 302);
});

test("a server that cannot be reached is told with the layer that failed", async () => {
  const port = await freePort();
  await rejectsWith(ask(`http://127.0.0.1:${port}/`), "connect:ECONNREFUSED", `127.0.0.1:${port}`);
  await using server = await startServer((_, response) => response.end(), { secure: true });
  await rejectsWith(ask(server.origin, { tls: {} }), "tls:certificate");
  await assert.rejects(ask(server.origin, { tls: {}, certificateCode: "refused" }), { code: "refused" });
  await rejectsWith(ask(server.origin.replace("https", "http")), "reset");
});

test("a server that hangs up, resets or talks nonsense is told as such, and the socket closed", async () => {
  const misbehaviours: [string, (socket: Socket) => void][] = [
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.once("data", () => socket.end())],
    ["reset", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["reset", (socket) => socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\nContent-Le"))],
    ["protocol", (socket) => socket.write("SSH-2.0-OpenSSH_9.9\r\n")],
    ["protocol", (socket) => socket.once("data", () => socket.write("\0\0\x12\x04\0\0\0\0\0"))],
  ];
  for (const [at, [kind, misbehave]] of misbehaviours.entries()) {
    await using peer = await startPeer(misbehave);
    await assert.rejects(
      ask(`http://127.0.0.1:${peer.port}/`),
      { kind, code: "not-ready" },
      `misbehaviour ${at}`,
    );
    await peer.idle();
  }
});

test("a body that breaks off is an error, whether its length is known or not", async () => {
  const heads = {
    length: "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
    chunked: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n64\r\n",
  };
  for (const head of Object.values(heads)) {
    for (const end of ["end", "resetAndDestroy"] as const) {
      await using peer = await startPeer((socket) => {
        socket.once("data", () => socket.write(`${head}some`, () => setTimeout(() => socket[end](), 20)));
      });
      const response = await ask(`http://127.0.0.1:${peer.port}/`);
      await assert.rejects(textOf(response), { kind: "reset" });
      await peer.idle();
    }
  }
});

test("a body without a length ends with the connection, but not with a reset", async () => {
  const startWith = (end: "end" | "resetAndDestroy") =>
    startPeer((socket) => {
      socket.once("data", () => {
        socket.write("HTTP/1.0 200 OK\r\n\r\nsome", () => setTimeout(() => socket[end](), 20));
      });
    });
  await using ending = await startWith("end");
  assert.equal(await textOf(await ask(`http://127.0.0.1:${ending.port}/`)), "some");
  await using resetting = await startWith("resetAndDestroy");
  await assert.rejects(textOf(await ask(`http://127.0.0.1:${resetting.port}/`)), { kind: "reset" });
});

test("silence is bounded: before the headers, and within the body", async () => {
  await using silent = await startPeer(() => {});
  await rejectsWith(ask(`http://127.0.0.1:${silent.port}/`, { headersTimeout: 200 }), "headers-timeout");
  await using stalling = await startServer((_, response) => void response.writeHead(200).write("some"));
  const response = await ask(stalling.origin, { bodyTimeout: 200 });
  await assert.rejects(textOf(response), { kind: "body-timeout" });
  await silent.idle();
});

test("a slow reader is waited for: the body is not held in memory, nor taken for a stall", async () => {
  const chunk = Buffer.alloc(64 * 1024, "x");
  const total = 400;
  let written = 0;
  await using server = await startServer(async (_, response) => {
    for (; written < total; written++) if (!response.write(chunk)) await once(response, "drain");
    response.end();
  });
  const response = await ask(server.origin, { bodyTimeout: 300 });
  await new Promise((resolve) => setTimeout(resolve, 1500));
  assert.ok(written < total, "the server could send everything to a client that does not read");
  let length = 0;
  for await (const part of response.body as AsyncIterable<Buffer>) length += part.length;
  assert.equal(length, chunk.length * total);
});

test("an abort ends a request in any state at once, with what it was doing", async () => {
  const reason = new Failure("not-ready", "not finished within 5s");
  await using silent = await startPeer(() => {});
  await using stalling = await startServer((_, response) => void response.writeHead(200).write("some"));
  const before = await openResources();

  const waiting = new AbortController();
  setTimeout(() => waiting.abort(reason), 50);
  await rejectsWith(
    ask(`http://127.0.0.1:${silent.port}/`, { signal: waiting.signal }),
    "headers-timeout",
    "not finished within 5s",
    `127.0.0.1:${silent.port}`,
  );
  const reading = new AbortController();
  const response = await ask(stalling.origin, { signal: reading.signal });
  setTimeout(() => reading.abort(reason), 50);
  await rejectsWith(textOf(response), "body-timeout", "not finished within 5s");
  await rejectsWith(ask(stalling.origin, { signal: AbortSignal.abort(reason) }), "not-ready");
  await silent.idle();
  assert.deepEqual(
    (await openResources()).filter((each) => each !== "TCPSocketWrap"),
    before.filter((each) => each !== "TCPSocketWrap"),
  );
});

test("close drops a connection whose body nobody wants, once or twice", async () => {
  await using peer = await startPeer((socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nsome"));
  });
  const response = await ask(`http://127.0.0.1:${peer.port}/`);
  response.close();
  response.close();
  await peer.idle();
  {
    using another = await ask(`http://127.0.0.1:${peer.port}/`);
    assert.equal(another.status, 200);
  }
  await peer.idle();
});

test("a HEAD has no body, and an informational answer is passed over", async () => {
  await using server = await startServer((_, response) => {
    response.writeEarlyHints({ link: "</a>; rel=preload" });
    response.setHeader("content-length", 10).end();
  });
  const response = await ask(server.origin, { method: "HEAD" });
  assert.equal(response.status, 200);
  assert.equal(await textOf(response), "");
});

test("headers that the client answers for itself are told beforehand", () => {
  for (const name of ["Content-Length", "connection", "Transfer-Encoding", "Expect"]) {
    assert.throws(() => checkHeaders([{ name, value: "x" }]), new RegExp(name));
  }
  assert.throws(() => checkHeaders([{ name: "X-Name", value: "Zoë ☃" }]), /X-Name/);
  checkHeaders([
    { name: "Host", value: "a" },
    { name: "Authorization", value: "Bearer x" },
  ]);
});

test("a server that wants a client certificate is told as such, and takes one", async () => {
  await using server = await startServer((_, response) => response.end("come in"), {
    secure: true,
    wantsCertificate: true,
  });
  await assert.rejects(ask(server.origin), ({ message, hint }: Failure) => {
    assert.match(message, /asks for a client certificate/);
    assert.match(hint!, /cert/);
    return true;
  });
  const client = issue({ name: "client", issuer: authority });
  const own = { cert: Buffer.from(client.cert), key: Buffer.from(client.key) };
  using response = await ask(server.origin, { tls: { ca, ...own } });
  assert.equal(await textOf(response), "come in");
});
