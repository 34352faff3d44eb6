import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createSecureServer,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import fc from "fast-check";
import { healthRequest, servingStatus } from "../../src/probes/grpc-wire.ts";
import { issue } from "../helpers/certificates.ts";
import { freePort, openResources, type Peer, startPeer } from "../helpers/peers.ts";
import { runTask } from "../helpers/run-task.ts";
import { fails, ready } from "../helpers/wait.ts";

interface Fake extends Peer {
  /** The headers and the body, in hex, of each call. */
  readonly calls: { headers: IncomingHttpHeaders; body: string }[];
  /** How clients went: each with the code of its GOAWAY, or what broke. */
  readonly ends: Set<number | string>;
}

type Behave = (stream: ServerHttp2Stream) => void;

/** A server that reads each call and answers it as the test says. */
async function startFake(behave: Behave, server: Http2Server = createServer()): Promise<Fake> {
  const calls: Fake["calls"] = [];
  const ends: Fake["ends"] = new Set();
  server.on("session", (session) =>
    session.on("error", ({ message }) => ends.add(message)).on("goaway", (code) => ends.add(code)),
  );
  server.on("stream", (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    let body = "";
    stream.on("error", () => {});
    stream.on("data", (chunk: Buffer) => (body += chunk.toString("hex")));
    stream.on("end", () => {
      calls.push({ headers, body });
      behave(stream);
    });
  });
  const peer = await startPeer((socket) => server.emit("connection", socket));
  return Object.assign(peer, { calls, ends });
}

/** Headers, a message in hex, trailers. */
const answers =
  (message: string, trailers: IncomingHttpHeaders = { "grpc-status": "0" }): Behave =>
  (stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc+proto" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers(trailers));
    stream.end(Buffer.from(message, "hex"));
  };

/** Headers alone. */
const endsWith =
  (headers: IncomingHttpHeaders): Behave =>
  (stream) =>
    stream.respond({ ":status": 200, "content-type": "application/grpc", ...headers }, { endStream: true });

const status = (number: number): string => `000000000208${number.toString(16).padStart(2, "0")}`;
const serving = answers(status(1));

const urlOf = ({ port }: Peer, service = ""): string => `grpc://127.0.0.1:${port}${service && `/${service}`}`;

test("a server whose health service says SERVING is ready, is asked as gRPC asks, and hears a goodbye", async () => {
  await using fake = await startFake(serving);
  await ready(urlOf(fake));
  const { report } = await ready(urlOf(fake, "shop.v1.Cart"));
  assert.equal(report["targets"][0].target, urlOf(fake, "shop.v1.Cart"));
  const [whole, service] = fake.calls;
  assert.equal(whole!.body, "0000000000");
  assert.equal(service!.body, `000000000e0a0c${Buffer.from("shop.v1.Cart").toString("hex")}`);
  for (const [name, value] of Object.entries({
    ":method": "POST",
    ":scheme": "http",
    ":path": "/grpc.health.v1.Health/Check",
    ":authority": `127.0.0.1:${fake.port}`,
    te: "trailers",
    "content-type": "application/grpc",
  }))
    assert.equal(whole!.headers[name], value);
  await fake.idle();
  assert.equal(fake.counts.accepted, 2);
  assert.deepEqual([...fake.ends], [0]);
});

test("nothing is left open", async () => {
  await using fake = await startFake(serving);
  const before = await openResources();
  await ready(urlOf(fake));
  await fails("not-ready", urlOf(fake), "--absent");
  await fake.idle();
  assert.deepEqual(await openResources(), before);
});

test("any other status is not ready and is gone for absent", async () => {
  for (const [message, name] of [
    ["0000000000", "UNKNOWN"],
    [status(0), "UNKNOWN"],
    [status(2), "NOT_SERVING"],
    [status(3), "SERVICE_UNKNOWN"],
    [status(9), "9"],
  ] as const) {
    await using fake = await startFake(answers(message));
    const { failure, attempts } = await fails("not-ready", urlOf(fake, "shop"));
    assert.equal(failure.kind, `expectation:grpc-${name}`);
    assert.match(failure.message, new RegExp(`"shop" is ${name}$`));
    assert.equal(attempts, 3);
    await ready("--absent", urlOf(fake, "shop"));
    await fake.idle();
    assert.deepEqual([...fake.ends], [0]);
  }
});

test("a service that the server does not know is not ready and is gone for absent", async () => {
  await using fake = await startFake(
    endsWith({ "grpc-status": "5", "grpc-message": "unknown service %22x%22" }),
  );
  const { failure } = await fails("not-ready", urlOf(fake, "x"));
  assert.equal(failure.kind, "expectation:grpc-NOT_FOUND");
  assert.match(failure.message, /answers NOT_FOUND: "unknown service \\"x\\""/);
  assert.match(failure.hint!, /name of the service in the URL/);
  await ready("--absent", urlOf(fake, "x"));
});

test("a call that fails says what to do, with trailers and without", async () => {
  for (const [code, name, hint] of [
    ["12", "UNIMPLEMENTED", /no health service.*tcp:\/\//],
    ["16", "UNAUTHENTICATED", /credentials.*tcp:\/\//],
    ["7", "PERMISSION_DENIED", /credentials/],
    ["14", "UNAVAILABLE", /starting or stopping/],
    ["13", "INTERNAL", /log/],
    ["99", "code-99", /log/],
  ] as const) {
    const trailers = { "grpc-status": code, "grpc-message": "50% broken" };
    for (const behave of [endsWith(trailers), answers("", trailers)]) {
      await using fake = await startFake(behave);
      const { failure } = await fails("not-ready", urlOf(fake));
      assert.equal(failure.kind, `grpc:${name}`);
      assert.match(failure.message, /"50% broken/);
      assert.match(failure.hint!, hint);
      await fails("not-ready", "--absent", urlOf(fake));
    }
  }
});

test("an answer that is not gRPC is another protocol, at once", async () => {
  for (const behave of [
    endsWith({ ":status": "503", "content-type": "text/html" }),
    endsWith({ ":status": "404" }),
    endsWith({ "content-type": "application/grpc-web" }),
    answers("0100000002" + "0801"),
    answers("0000000003" + "0801"),
    answers(""),
    answers("0000000002" + "08ff"),
    (stream) => {
      stream.respond({ ":status": 200, "content-type": "text/plain" });
      stream.write("and so on");
    },
    answers("00".repeat(100_000)),
  ] satisfies Behave[]) {
    await using fake = await startFake(behave);
    const { failure } = await fails("not-ready", urlOf(fake));
    assert.equal(failure.kind, "protocol", failure.message);
    await fake.idle();
  }
});

test("a server that refuses or cuts off the call is not ready", async () => {
  for (const [behave, says] of [
    [(stream) => stream.close(7), /REFUSED_STREAM/],
    [(stream) => stream.close(8), /closed the connection/],
    [(stream) => stream.session!.destroy(), /closed the connection|CANCEL/],
    [
      (stream) => {
        stream.respond({ ":status": 200, "content-type": "application/grpc" });
        stream.write(Buffer.from(status(1), "hex"), () => stream.session!.destroy());
      },
      /closed the connection|CANCEL/,
    ],
  ] satisfies [Behave, RegExp][]) {
    await using fake = await startFake(behave);
    const { failure } = await fails("not-ready", urlOf(fake), "--attempt-timeout", "1s");
    assert.equal(failure.kind, "reset", failure.message);
    assert.match(failure.message, says);
    await fake.idle();
  }
});

test("silence, a hang-up and another protocol are told apart", async () => {
  const goAway = Buffer.from("0000080700000000000000000000000000", "hex");
  const goAwayAngry = Buffer.from("000008070000000000000000000000000b", "hex");
  const settings = Buffer.from("000000040000000000", "hex");
  for (const [kind, behave] of [
    ["timeout", () => {}],
    ["timeout", (socket) => socket.write(settings)],
    ["reset", (socket) => socket.end()],
    ["reset", (socket) => socket.resetAndDestroy()],
    ["reset", (socket) => socket.write(Buffer.concat([settings, goAway]))],
    ["reset", (socket) => socket.write(Buffer.concat([settings, goAwayAngry]))],
    ["reset", (socket) => socket.once("data", () => socket.resetAndDestroy())],
    ["protocol", (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["protocol", (socket) => socket.write("-ERR unknown command\r\n")],
    ["protocol", (socket) => socket.write("\x15\x03\x01")],
    ["protocol", (socket) => socket.end(Buffer.from("15030300020246", "hex"))],
  ] satisfies [string, Parameters<typeof startPeer>[0]][]) {
    await using peer = await startPeer(behave);
    const { failure } = await fails("not-ready", urlOf(peer), "--attempt-timeout", "100ms");
    assert.equal(failure.kind, kind, failure.message);
    assert.ok(failure.hint);
    await peer.idle();
  }
});

test("an answer may come byte by byte", async () => {
  await using fake = await startFake(serving);
  await using proxy = await startPeer((socket) => {
    const upstream = connect(fake.port, "127.0.0.1");
    socket.pipe(upstream);
    upstream.on("error", () => {}).on("end", () => socket.end());
    upstream.on("data", (chunk: Buffer) => chunk.forEach((byte) => socket.write(Buffer.from([byte]))));
    socket.setNoDelay();
  });
  await ready(urlOf(proxy));
});

test("over TLS the certificate is verified, and HTTP/2 is agreed on", async () => {
  const { cert, key } = issue({ names: ["127.0.0.1"] });
  await using fake = await startFake(serving, createSecureServer({ cert, key }));
  const url = `grpcs://127.0.0.1:${fake.port}`;
  await ready("--insecure", url);
  assert.equal(fake.calls[0]!.headers[":scheme"], "https");
  await fake.idle();
  assert.deepEqual([...fake.ends], [0]);
  assert.equal((await fails("not-ready", url)).failure.kind, "tls:certificate");
});

test("a server that speaks TLS without HTTP/2 is another protocol", async () => {
  await using server = createTlsServer(issue());
  server.on("secureConnection", (socket) => socket.on("error", () => {}).resume());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const { failure } = await fails("not-ready", "--insecure", `grpcs://127.0.0.1:${port}`);
  assert.equal(failure.kind, "protocol", failure.message);
  assert.match(failure.message, /not HTTP\/2/);
});

test("a password is a mistake, for nobody would check it", async () => {
  const { status: end, failure } = await runTask("wait-for", ["grpc://app:s3cret@127.0.0.1:1"]);
  assert.equal(end, "failed");
  assert.equal(failure!.code, "configuration");
  assert.doesNotMatch(failure!.message, /s3cret/);
});

test("absent is met by a port that nobody listens on", async () => {
  await ready("--absent", `grpc://127.0.0.1:${await freePort()}`);
});

test("any bytes are a status or no message", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
      const body = Buffer.from(array);
      const framed = Buffer.concat([Buffer.from([0, 0, 0, 0, body.length]), body]);
      for (const bytes of [body, framed]) assert.match(servingStatus(bytes) ?? "", /^\w*$/);
    }),
  );
});

test("fields that a newer server may add are passed over, and the last status counts", () => {
  const added = ["120568656c6c6f", "18ac02", "21" + "00".repeat(8), "2d00000000"];
  const message = Buffer.from(`0802${added.join("")}0801`, "hex");
  const frame = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
  assert.equal(servingStatus(frame), "SERVING");
});

test("a name of any length is framed", () => {
  const request = healthRequest("x".repeat(300));
  assert.equal(request.subarray(0, 8).toString("hex"), "000000012f0aac02");
  assert.equal(request.length, 308);
});
