import assert from "node:assert/strict";
import { once } from "node:events";
import {
  createServer as createProxy,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { serveArtifact, type Artifact } from "../demo/artifact.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { buildImages } from "./podman.ts";
import { Cluster, type Manifest, readManifest, withKubeletVolumes } from "./pods.ts";

let artifact: Artifact;
let cluster: Cluster;
let secret: string;

before(async () => {
  await buildImages();
  artifact = await serveArtifact();
  cluster = new Cluster();
  secret = await cluster.addSecret({ token: "open-sesame" });
});

after(async () => {
  await cluster[Symbol.asyncDispose]();
  await artifact[Symbol.asyncDispose]();
});

/** A pod of the README whose main container runs a script. */
function podOf(file: string, script: string, replacements: Readonly<Record<string, string>>): Manifest {
  const manifest = readManifest(file, { "image: my-app": "image: initkit:shell", ...replacements });
  manifest.pod.spec.containers[0].command = ["sh", "-ec", script];
  return manifest;
}

async function assertPlays(manifest: Manifest): Promise<void> {
  const { init, app } = await cluster.play(manifest);
  assert.equal(init.exitCode, 0, init.logs);
  assert.equal(app?.exitCode, 0, String(app?.logs));
}

describe("the README's pod with its steps in a ConfigMap", () => {
  const podWith = (replacements: Readonly<Record<string, string>>, script = ""): Manifest =>
    podOf("config-map.yaml", script, { "name: api": `name: ${secret}`, ...replacements });

  function readyPod(script = check): Manifest {
    const { host } = new URL(artifact.origin);
    return podWith({ "tcp://queue:5672": `tcp://${host}`, "auth:8080/": `${host}/` }, script);
  }

  const check = `
    grep -qx 'token = open-sesame' /config/app.conf
    grep -qx 'log = info' /config/app.conf
    [ "$(stat -c %a /config/app.conf)" = 640 ]
  `;

  test("waits, and fills a Secret into a file that nobody else may read", () => assertPlays(readyPod()));

  test("does the same where a variable holds the document", async () => {
    const manifest = readyPod();
    const [container] = manifest.pod.spec.initContainers;
    delete container.args;
    container.env.push({ name: "INITKIT_STEPS", value: manifest.configMaps[0].data["steps.yaml"] });
    await assertPlays(manifest);
  });

  test("takes a Secret from a file, and shows it in no log", async () => {
    const manifest = readyPod("[ $(cat /config/token) = open-sesame ]");
    const { initContainers, volumes } = manifest.pod.spec;
    initContainers[0].args = ["write", "/config/token", "--content", "${file:/api/token}"];
    initContainers[0].volumeMounts.push({ name: "api", mountPath: "/api", readOnly: true });
    volumes.push({ name: "api", secret: { secretName: "api", defaultMode: 0o400 } });
    const secrets = { api: { token: "open-sesame" } };
    const { init, app } = await cluster.play(withKubeletVolumes(manifest, cluster.folder, secrets));
    assert.equal(app?.exitCode, 0, init.logs);
    assert.ok(!init.logs.includes("open-sesame"));
  });

  test("ends with 2 where a step of the ConfigMap has an error, and names its place", async () => {
    const { init, app, terminationMessage } = await cluster.play(podWith({ "to: /config": "too: /config" }));
    assert.equal(init.exitCode, 2, init.logs);
    assert.equal(app, undefined);
    assert.match(terminationMessage, /\/init\/steps\.yaml:\d+:\d+/);
  });
});

describe("the README's pod in a private network", () => {
  const authority = makeAuthority();
  const certificate = issue({ names: ["files.example.com"], issuer: authority });
  let files: Server;
  let proxy: Server;
  const asked: string[] = [];

  before(async () => {
    files = createTlsServer(certificate, (request, response) => void forward(request, response));
    proxy = createProxy().on("connect", (request: IncomingMessage, client: Socket) => {
      asked.push(request.url!);
      const upstream = connect(portOf(files), "127.0.0.1");
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      for (const socket of [client, upstream]) socket.on("error", () => {});
      client.pipe(upstream).pipe(client);
    });
    for (const server of [files, proxy]) await once(server.listen(0, "127.0.0.1"), "listening");
  });

  after(() => {
    for (const server of [files, proxy]) server.close();
  });

  async function forward(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const answer = await fetch(`${artifact.origin}${request.url}`);
    response.writeHead(answer.status).end(await answer.bytes());
  }

  /** The pod with a ConfigMap of CA certificates. */
  function podTrusting(ca: string): Manifest {
    const script = "test -s /models/model/weights.bin";
    const proxyHost = `127.0.0.1:${portOf(proxy)}`;
    const { pod } = podOf("private-network.yaml", script, { "proxy.example.com:3128": proxyHost });
    return { pod, configMaps: [configMap("company-ca", { "ca.crt": ca })] };
  }

  test("downloads through the proxy from a server that its CA vouches for", async () => {
    await assertPlays(podTrusting(authority.cert));
    assert.deepEqual(new Set(asked), new Set(["files.example.com:443"]));
  });

  test("ends with 20 where another CA has signed", async () => {
    const { init, app } = await cluster.play(podTrusting(makeAuthority().cert));
    assert.equal(init.exitCode, 20, init.logs);
    assert.equal(app, undefined);
  });
});

const portOf = (server: Server): number => (server.address() as AddressInfo).port;

const configMap = (name: string, data: Readonly<Record<string, string>>) => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name },
  data,
});
