import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { request } from "../../src/net/http.ts";
import { isExempt, proxyFor } from "../../src/net/proxy.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { freePort, startPeer } from "../helpers/peers.ts";

const href = (url: string, env: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), env)?.href;

test("each scheme has its variable, in small letters or capitals, and all_proxy stands for both", () => {
  const env = {
    http_proxy: "http://small:1",
    HTTP_PROXY: "http://big:1",
    HTTPS_PROXY: "big:2",
    all_proxy: "all:3",
  };
  assert.equal(href("http://a.test/", env), "http://small:1/");
  assert.equal(href("https://a.test/", env), "http://big:2/");
  assert.equal(href("https://a.test/", { all_proxy: "all:3" }), "http://all:3/");
  assert.equal(href("https://a.test/", { https_proxy: " ", HTTPS_PROXY: "big:2" }), "http://big:2/");
  assert.equal(href("https://a.test/", {}), undefined);
});

test("HTTP_PROXY is not believed where it may come from a request", () => {
  assert.equal(href("http://a.test/", { HTTP_PROXY: "evil:1", REQUEST_METHOD: "GET" }), undefined);
  assert.equal(href("http://a.test/", { http_proxy: "good:1", REQUEST_METHOD: "GET" }), "http://good:1/");
});

test("what is on loopback is never asked for through a proxy", () => {
  for (const host of ["localhost", "a.localhost", "127.1.2.3", "[::1]"]) {
    assert.equal(href(`http://${host}/`, { all_proxy: "proxy:1" }), undefined, host);
  }
});

test("a proxy of another kind is a configuration error that shows no password", () => {
  for (const proxy of ["socks5://me:hunter2@proxy:1", "http://me:hunter2@:1"]) {
    assert.throws(
      () => href("http://a.test/", { http_proxy: proxy }),
      (error: Failure) => {
        assert.equal(error.code, "configuration");
        return error.message.includes("http_proxy") && !error.message.includes("hunter2");
      },
    );
  }
});

test("no_proxy names hosts, domains, addresses, subnets and ports", () => {
  for (const [url, list, exempt] of [
    ["http://auth.svc/", "svc", true],
    ["http://auth.svc/", ".svc", true],
    ["http://auth.svc/", "*.svc", true],
    ["http://svc/", ".svc", true],
    ["http://authsvc/", "svc", false],
    ["http://AUTH.svc./", "other, Auth.SVC", true],
    ["http://auth.svc/", "auth.svc:80", true],
    ["https://auth.svc/", "auth.svc:80", false],
    ["https://auth.svc:8443/", "auth.svc:8443", true],
    ["http://anything/", "a *", true],
    ["http://10.1.2.3/", "10.0.0.0/8", true],
    ["http://11.1.2.3/", "10.0.0.0/8", false],
    ["http://10.1.2.3/", "10.1.2.3", true],
    ["http://10.1.2.33/", "10.1.2.3", false],
    ["http://10.1.2.3/", "2.3", false],
    ["http://ten.test/", "10.0.0.0/8", false],
    ["http://[fd00::7]/", "fd00::/8", true],
    ["http://[fd00::7]/", "FD00:0::7", true],
    ["http://[fd00::7]:81/", "[fd00::7]:81", true],
    ["http://[fd00::7]:82/", "[fd00::7]:81", false],
    ["http://[fe80::7]/", "fd00::/8", false],
    ["http://10.1.2.3/", "0.0.0.0/0", true],
    ["http://10.1.2.3/", "10.0.0.0/99, 10.0.0.0/, /8", false],
    ["http://auth.svc/", "", false],
  ] as const) {
    assert.equal(isExempt(new URL(url), list), exempt, `${url} ${list}`);
  }
});

test("any list at all is taken as no_proxy", () => {
  fc.assert(
    fc.property(fc.string(), (list) => typeof isExempt(new URL("http://10.1.2.3/"), list) === "boolean"),
  );
  fc.assert(fc.property(fc.string(), (list) => isExempt(new URL("http://a.test:81/"), `${list},a.test:81`)));
});

const authority = makeAuthority();
const tls = { ca: Buffer.from(authority.cert) };
const never = new AbortController().signal;

/** A proxy on loopback that forwards nothing but leads every tunnel to `port`, whatever it is asked for. */
async function startProxy(port = 0, status = "200 Connection established") {
  const seen: IncomingMessage[] = [];
  const proxy = createServer((asked, response) => {
    seen.push(asked);
    response.end("from the proxy");
  });
  proxy.on("connect", (asked: IncomingMessage, socket: import("node:net").Socket) => {
    seen.push(asked);
    socket.on("error", () => {});
    if (!status.startsWith("2")) return void socket.end(`HTTP/1.1 ${status}\r\n\r\n`);
    const onward = connect({ port, host: "127.0.0.1" }).on("error", () => socket.destroy());
    socket.write(`HTTP/1.1 ${status}\r\nVia: test\r\n\r\n`);
    socket.on("close", () => onward.destroy());
    onward.pipe(socket).pipe(onward);
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  const host = `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  return {
    seen,
    proxyEnv: { http_proxy: `http://me:p%40ss@${host}`, https_proxy: `http://me:p%40ss@${host}` },
    async [Symbol.asyncDispose]() {
      proxy.close();
      proxy.closeAllConnections();
      await once(proxy, "close");
    },
  };
}

const credentials = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;

async function textOf(pending: ReturnType<typeof request>): Promise<string> {
  const { body } = await pending;
  return (await body.setEncoding("utf8").toArray()).join("");
}

test("http goes to the proxy whole, with the proxy's credentials and our own", async () => {
  await using proxy = await startProxy();
  const url = new URL("http://you:secret@files.test/a?b=1");
  assert.equal(
    await textOf(request(url, { proxyEnv: proxy.proxyEnv, signal: never, code: "not-ready" })),
    "from the proxy",
  );
  const [asked] = proxy.seen;
  assert.equal(asked!.url, "http://files.test/a?b=1");
  assert.equal(asked!.headers.host, "files.test");
  assert.equal(asked!.headers["proxy-authorization"], credentials);
  assert.equal(asked!.headers.authorization, `Basic ${Buffer.from("you:secret").toString("base64")}`);
});

test("https goes through a tunnel: the proxy sees the host alone, and its credentials stay with it", async () => {
  const seen: IncomingMessage[] = [];
  const server = createTlsServer(issue({ names: ["files.test"], issuer: authority }), (asked, response) => {
    seen.push(asked);
    response.end("from the server");
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  await using proxy = await startProxy((server.address() as AddressInfo).port);
  const { proxyEnv } = proxy;
  const url = new URL("https://files.test/a?token=1");
  assert.equal(
    await textOf(request(url, { proxyEnv, tls, signal: never, code: "not-ready" })),
    "from the server",
  );
  assert.equal(proxy.seen[0]!.url, "files.test:443");
  assert.equal(proxy.seen[0]!.headers["proxy-authorization"], credentials);
  assert.equal(seen[0]!.headers["proxy-authorization"], undefined);
  assert.equal(seen[0]!.headers.host, "files.test");

  const other = request(new URL("https://other.test/"), { proxyEnv, tls, signal: never, code: "not-ready" });
  await assert.rejects(other, { kind: "tls:certificate" });
  server.close();
  server.closeAllConnections();
  await once(server, "close");
});

test("a proxy that turns us down, is silent, not there, or no proxy is told as such", async () => {
  const url = new URL("https://files.test/");
  const ask = (proxyEnv: Record<string, string>, signal = never) =>
    request(url, { proxyEnv, signal, tls, code: "source-unavailable" });
  await using refusing = await startProxy(0, "407 Proxy Authentication Required");
  await assert.rejects(ask(refusing.proxyEnv), { kind: "proxy:407", code: "source-unavailable" });
  await assert.rejects(ask({ https_proxy: `127.0.0.1:${await freePort()}` }), {
    kind: "connect:ECONNREFUSED",
  });
  await using closing = await startPeer((socket) => socket.end());
  await assert.rejects(ask({ https_proxy: `127.0.0.1:${closing.port}` }), { kind: "reset" });
  await using foreign = await startPeer((socket) => socket.write("SSH-2.0-OpenSSH\r\n\r\n"));
  await assert.rejects(ask({ https_proxy: `127.0.0.1:${foreign.port}` }), { kind: "protocol" });
  await using silent = await startPeer(() => {});
  const stop = new AbortController();
  setTimeout(() => stop.abort(new Failure("source-unavailable", "stalled for 30s")), 50);
  await assert.rejects(ask({ https_proxy: `127.0.0.1:${silent.port}` }, stop.signal), {
    kind: "proxy:timeout",
  });
  await Promise.all([closing.idle(), foreign.idle(), silent.idle()]);
});

test("without leave no proxy is asked", async () => {
  await using proxy = await startProxy();
  await assert.rejects(request(new URL("http://files.invalid/"), { signal: never, code: "not-ready" }));
  assert.equal(proxy.seen.length, 0);
});
