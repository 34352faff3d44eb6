import { createServer as createHttp2, type ServerHttp2Stream } from "node:http2";
import { rmSync, writeFileSync } from "node:fs";
import type { Socket } from "node:net";
import { join } from "node:path";
import { createSecureContext, TLSSocket } from "node:tls";
import { methodFrame, uint16, uint32 } from "../../src/probes/amqp-frames.ts";
import { type Certificate, issue } from "./certificates.ts";
import { standalone, startMongo } from "./mongodb-fake.ts";
import { accessDenied, framed, greeting, ok } from "./mysql.ts";
import { freePort, type Peer, startPeer } from "./peers.ts";
import { startSilentHost } from "./silent-host.ts";

type Disposal = Pick<AsyncDisposable, typeof Symbol.asyncDispose>;

/** Where a target of one kind is or will be, and how to make it behave. */
export interface Place {
  readonly url: string;
  /** The same with credentials that are wrong. */
  readonly urlWithLogin: string;
  become(behaviour: Behaviour): Promise<Disposal>;
}

export type Behaviour = "ready" | "hang" | "wrong protocol" | "refused for good";

/** Why a kind cannot behave so, or which other test shows it: `file: name of the test`. */
export type Exception =
  | { readonly never: string }
  | { readonly shownBy: readonly [file: string, test: string] };

export interface TargetKind {
  /** Where nothing is yet. */
  place(folder: string): Promise<Place>;
  readonly options?: (folder: string) => readonly string[];
  readonly exceptions?: Readonly<Record<string, Exception>>;
  /** What the failure is where nobody is there, and where another protocol is spoken. */
  readonly refusedKind?: string;
  readonly wrongKind?: string;
}

type Behave = (socket: Socket) => void;

const foreign: Behave = (socket) => socket.write("\x00\x01garbage\r\n\r\n\xff\xff\xff\xff\r\n");

/** A server that is there at a port as soon as it becomes something. */
function server(scheme: string, ready: Behave, refusing?: Behave, rest = ""): TargetKind {
  const behaviours: Readonly<Record<Behaviour, Behave>> = {
    ready,
    hang: () => {},
    "wrong protocol": foreign,
    "refused for good": refusing ?? ready,
  };
  return {
    async place() {
      const port = await freePort();
      return {
        url: `${scheme}://127.0.0.1:${port}${rest}`,
        urlWithLogin: `${scheme}://app:wr0ngword@127.0.0.1:${port}${rest}`,
        become: (behaviour) => startPeer(behaviours[behaviour], { port }),
      };
    },
    ...(refusing ? {} : { exceptions: { "refused for good": { never: "it has no login" } } }),
  };
}

/** Answers whatever comes with the next of these, and the last one again and again. */
const answering =
  (...answers: readonly (string | Buffer)[]): Behave =>
  (socket) => {
    let turn = 0;
    socket.on("data", () => socket.write(answers[Math.min(turn++, answers.length - 1)]!));
  };

const greetingThen =
  (first: string | Buffer, then: Behave): Behave =>
  (socket) => {
    socket.write(first);
    then(socket);
  };

const short = (text: string): Buffer => Buffer.from([text.length, ...Buffer.from(text)]);
const long = (text: string): Buffer => Buffer.concat([uint32(text.length), Buffer.from(text)]);
const natsInfo = `INFO {"server_id":"NA","version":"2.12.1","proto":1,"max_payload":1048576}\r\n`;

const amqpStart = methodFrame(10, Buffer.from([0, 9]), uint32(0), long("PLAIN"), long("en_US"));
const amqpRefusal = methodFrame(50, uint16(403), short("ACCESS_REFUSED"), uint16(10), uint16(11));

function postgresMessage(type: string, body: string | Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(Buffer.byteLength(body) + 4, 1);
  return Buffer.concat([head, Buffer.from(body)]);
}

/** Turns TLS down, and says this to whoever wants to log in. */
const postgres =
  (says: Buffer): Behave =>
  (socket) =>
    socket.on("data", (bytes) => socket.write(bytes.length === 8 ? "N" : says));

/** Answers of a Kafka broker by the key of the request: ApiVersions, SaslHandshake, Metadata, SaslAuthenticate. */
const kafka =
  (answers: Readonly<Record<number, string>>): Behave =>
  (socket) =>
    socket.on("data", (request: Buffer) => {
      const content = Buffer.from(answers[request.readUInt16BE(4)]!, "hex");
      socket.write(Buffer.concat([uint32(content.length + 4), request.subarray(8, 12), content]));
    });

const kafkaVersions = "00000000000600000000000b00010000001000030000000d001100000001001200000004002400000002";
const kafkaBroker = `0000000100000000${"00076b61666b612d30"}00002384ffff0000000000000000`;
const kafkaPlain = `000000000001${"0005504c41494e"}`;
const kafkaFailed = `003a${"00026e6f"}00000000`;

const certificate: Certificate = issue({ names: ["127.0.0.1"] });

const overTls =
  (behave: Behave): Behave =>
  (socket) => {
    const secureContext = createSecureContext(certificate);
    behave(new TLSSocket(socket, { isServer: true, secureContext }).on("error", () => {}));
  };

const http: Behave = answering("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
const noRefusal: Exception = { never: "whatever an HTTP server answers is no refusal" };

function tls(kind: TargetKind): TargetKind {
  const options = (folder: string) => {
    writeFileSync(join(folder, "ca.pem"), certificate.cert);
    return ["--ca", join(folder, "ca.pem")];
  };
  return { ...kind, options, wrongKind: "tls" };
}

const grpc: TargetKind = {
  async place(folder) {
    const plain = await server("grpc", () => {}).place(folder);
    const port = Number(new URL(plain.url).port);
    return {
      ...plain,
      become: (behaviour) => (behaviour === "ready" ? startGrpc(port) : plain.become(behaviour)),
    };
  },
  exceptions: { "refused for good": { never: "it has no login" } },
};

async function startGrpc(port: number): Promise<Peer> {
  const health = createHttp2();
  health.on("session", (session) => session.on("error", () => {}));
  health.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.end(Buffer.from("00000000020801", "hex"));
  });
  return await startPeer((socket) => health.emit("connection", socket), { port });
}

const mongodb: TargetKind = {
  async place(folder) {
    const plain = await server("mongodb", () => {}).place(folder);
    const port = Number(new URL(plain.url).port);
    const users = [{ name: "app", password: "another", source: "admin" }];
    return {
      ...plain,
      become: (behaviour) =>
        behaviour === "ready" || behaviour === "refused for good"
          ? startMongo({ port, users, hello: () => standalone })
          : plain.become(behaviour),
    };
  },
};

const tcp: TargetKind = {
  async place() {
    const port = await freePort();
    return {
      url: `127.0.0.1:${port}`,
      urlWithLogin: "",
      become: (behaviour) =>
        behaviour === "hang" ? startSilentHost("127.0.0.1", port) : startPeer(() => {}, { port }),
    };
  },
  exceptions: {
    "wrong protocol": { never: "any protocol will do" },
    "refused for good": { never: "it has no login" },
  },
};

const unix: TargetKind = {
  async place(folder) {
    const path = join(folder, "app.sock");
    return { url: `unix:${path}`, urlWithLogin: "", become: () => startPeer(() => {}, { path }) };
  },
  refusedKind: "connect:ENOENT",
  exceptions: { ...tcp.exceptions, hang: { never: "a kernel does not drop a connection to itself" } },
};

const file: TargetKind = {
  async place(folder) {
    const path = join(folder, "ready");
    return {
      url: `file:${path}`,
      urlWithLogin: "",
      async become() {
        writeFileSync(path, "");
        return { [Symbol.asyncDispose]: async () => rmSync(path) };
      },
    };
  },
  refusedKind: "expectation:exists",
  exceptions: {
    hang: { never: "looking at a file is no conversation" },
    "wrong protocol": { never: "looking at a file is no conversation" },
    "refused for good": { never: "whatever is in the way may go away" },
  },
};

const dns: TargetKind = {
  place: async () => ({ url: "dns:localhost", urlWithLogin: "", become: async () => nothing }),
  exceptions: {
    late: {
      shownBy: [
        "servers/dns.test.ts",
        "dns: a name that comes later is found, though it was asked for before",
      ],
    },
    hang: {
      shownBy: [
        "servers/dns.test.ts",
        "a name server that is silent does not hold up the end, nor a target that needs none",
      ],
    },
    refused: {
      shownBy: [
        "servers/dns.test.ts",
        "a name that there is not is told with every name that was tried, and is no absence",
      ],
    },
    "wrong protocol": { never: "the resolver drops what is no answer, and that is silence" },
    "refused for good": { never: "any name may come to be" },
    SIGTERM: { shownBy: ["servers/dns.test.ts", "SIGTERM ends a wait for a name at once"] },
  },
};

const nothing: Disposal = { [Symbol.asyncDispose]: async () => {} };

const inProbe = (name: string): Exception => ({ shownBy: ["kubernetes/probe.test.ts", name] });

/** Its API server and service account are where kubelet puts them, so it is shown by tests of its own. */
const kubernetes: TargetKind = {
  place: async () => ({ url: "kubernetes:pod/web", urlWithLogin: "", become: async () => nothing }),
  exceptions: {
    ready: inProbe("a service is ready when one of its endpoints is"),
    late: inProbe("a job of the pod's own namespace is waited for until it is complete"),
    hang: inProbe("the end of the run stays what it is"),
    refused: inProbe("an API server that cannot be reached shows no object gone"),
    "wrong protocol": inProbe("the certificate of the API server must be of the CA of the service account"),
    "refused for good": inProbe("a failed job is refused at once, unless that is what is waited for"),
    SIGTERM: { shownBy: ["servers/kubernetes.test.ts", "SIGTERM ends a wait for an object at once"] },
    "JSON event": {
      shownBy: ["servers/kubernetes.test.ts", "a job is waited for by the service account of the pod"],
    },
  },
};

/** A row for every kind of target. */
export const targetKinds: Readonly<Record<string, TargetKind>> = {
  tcp,
  http: { ...server("http", http), exceptions: { "refused for good": noRefusal } },
  https: { ...tls(server("https", overTls(http))), exceptions: { "refused for good": noRefusal } },
  postgres: server(
    "postgres",
    postgres(postgresMessage("R", Buffer.from([0, 0, 0, 3]))),
    postgres(postgresMessage("E", "SFATAL\0VFATAL\0C28P01\0Mpassword authentication failed\0\0")),
    "/app",
  ),
  redis: server("redis", answering("+PONG\r\n"), answering("-WRONGPASS invalid\r\n")),
  mysql: server(
    "mysql",
    greetingThen(framed(0, greeting("mysql_native_password", false)), answering(framed(2, ok))),
    greetingThen(framed(0, greeting("mysql_native_password", false)), answering(framed(2, accessDenied))),
  ),
  amqp: server("amqp", answering(amqpStart), answering(amqpStart, amqpRefusal)),
  mongodb,
  nats: server(
    "nats",
    greetingThen(natsInfo, answering("PONG\r\n")),
    greetingThen(
      natsInfo.replace("}", ',"auth_required":true}'),
      answering("-ERR 'Authorization Violation'\r\n"),
    ),
  ),
  kafka: server(
    "kafka",
    kafka({ 18: kafkaVersions, 17: "002200000000", 3: kafkaBroker }),
    kafka({ 18: kafkaVersions, 17: kafkaPlain, 36: kafkaFailed }),
  ),
  zookeeper: server("zookeeper", (socket) => {
    socket.once("data", () => socket.end("Zookeeper version: 3.9.3\nMode: standalone\nNode count: 5\n"));
  }),
  grpc,
  memcached: server(
    "memcached",
    answering("VERSION 1.6.39\r\n"),
    answering("CLIENT_ERROR unauthenticated\r\n", "CLIENT_ERROR authentication failure\r\n"),
  ),
  smtp: server(
    "smtp",
    greetingThen("220 mail\r\n", answering("221 bye\r\n")),
    greetingThen("220 mail\r\n", answering("250-mail\r\n250 AUTH PLAIN\r\n", "535 no\r\n")),
  ),
  dns,
  file,
  unix,
  kubernetes,
};
