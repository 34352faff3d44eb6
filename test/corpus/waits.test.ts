import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { issue } from "../helpers/certificates.ts";
import { type Container, ownerInTest, replaces } from "../helpers/corpus.ts";
import { startFileServer } from "../helpers/file-server.ts";
import { standalone, startMongo } from "../helpers/mongodb-fake.ts";
import { type Peer, startPeer } from "../helpers/peers.ts";

/** The pauses of the document are for a cluster. */
const soon = (pause: string) => ({ [`backoff: ${pause}`]: "backoff: 5ms" });

const met = ["done", "done"];
const listening = (): Promise<Peer> => startPeer(() => {});
const at = ({ port }: Pick<Peer, "port">): string => `127.0.0.1:${port}`;

replaces(1, "the wait is over when the port takes connections", async (pod) => {
  await using kafka = await listening();
  assert.deepEqual(await pod.run({ instead: { "kafka:9092": at(kafka) } }), met);
  assert.equal(kafka.counts.accepted, 2);
});

replaces(2, "a server that sends elsewhere is up", async (pod) => {
  const elsewhere = { location: "http://elsewhere.invalid/" };
  await using server = await startFileServer((_, response) => response.writeHead(302, elsewhere).end());
  assert.deepEqual(await pod.run({ env: { TEI_EMBEDDING_ENDPOINT: server.origin } }), met);
});

/** Answers like this once, and then well. */
function atFirst(status: number, body: string, then: string): RequestListener {
  let isFirst = true;
  return (_, response) => {
    response.writeHead(isFirst ? status : 200).end(isFirst ? body : then);
    isFirst = false;
  };
}

replaces(3, "a redirect to an error is no answer yet, 200 is", async (pod) => {
  await using server = await startFileServer(atFirst(204, "", "shop"));
  const env = { FRONTEND_ADDR: server.origin.replace("http://", "") };
  assert.deepEqual(await pod.run({ env, instead: soon("10s") }), met);
  assert.equal(server.seen.length, 3);
});

replaces(3, "after twelve attempts the wait is given up", async (pod) => {
  await using server = await startFileServer((_, response) => response.writeHead(500).end());
  const env = { FRONTEND_ADDR: server.origin.replace("http://", "") };
  await assert.rejects(pod.run({ env, instead: soon("10s") }), { code: "not-ready" });
  assert.equal(server.seen.length, 12);
});

replaces(4, "the body says that the backend is ready, whatever the status", async (pod) => {
  await using server = await startFileServer((_, response) =>
    response.writeHead(401).end('{"success":true}'),
  );
  const [, APPSMITH_API_PORT] = at({ port: Number(new URL(server.origin).port) }).split(":");
  const env = { APPSMITH_API_HOST: "127.0.0.1", APPSMITH_API_PORT: APPSMITH_API_PORT! };
  assert.deepEqual(await pod.run({ env }), met);
  assert.equal(server.seen[0]!.url, "/api/v1/users/me");
});

replaces(441, "an application that reports that it is down is waited for", async (pod) => {
  await using server = await startFileServer(atFirst(503, '{"status":"DOWN"}', '{"status":"UP"}'));
  const instead = { "http://camunda-orchestration:9600": server.origin, ...soon("5s") };
  assert.deepEqual(await pod.run({ instead }), met);
  assert.equal(server.seen.length, 3);
});

replaces(445, "a server behind a login is asked with one, until it knows the core", async (pod) => {
  const answer = atFirst(200, "{}", '{"name":"ckan"}');
  await using server = await startFileServer(answer);
  const env = { CKAN_SOLR_HOST: new URL(server.origin).host };
  assert.deepEqual(await pod.run({ env, instead: soon("20s") }), met);
  const login = `Basic ${Buffer.from("admin:pass").toString("base64")}`;
  assert.deepEqual(new Set(server.seen.map(({ headers }) => headers.authorization)), new Set([login]));
});

replaces(469, "a replica set is waited for, and then its key file is there", async (pod) => {
  let isFirst = true;
  await using mongo = await startMongo({
    hello() {
      const setName = isFirst ? {} : { setName: "configReplSet", isWritablePrimary: true };
      isFirst = false;
      return { ...standalone, ...setName };
    },
  });
  pod.mount("/opt/mongodb", { keyfile: "key" });
  const instead = { "mongodb-configserver-0:27019": at(mongo), ...soon("2500ms") };
  assert.deepEqual(await pod.run({ instead }), ["done done", "done unchanged"]);
  assert.equal(pod.mode("/keyfile-data/keyfile"), "400");
  assert.equal(pod.owner("/keyfile-data/keyfile"), ownerInTest("999:999"));
});

replaces(470, "a healthy etcd and a gateway that answers are waited for, over TLS", async (pod) => {
  const certificate = issue({ names: ["elsewhere"] });
  await using server = await startFileServer((asked, response) => {
    if (asked.url === "/health") response.end('{"health":"true"}');
    else response.writeHead(403).end();
  }, certificate);
  pod.file("/var/etcd/certs/server.crt", certificate.cert);
  pod.file("/var/etcd/certs/server.key", certificate.key);
  const instead = { "https://etcd:2379": server.origin };
  const env = { AIOS_GATEWAY_URL: server.origin };
  assert.deepEqual(await pod.run({ instead, env }), ["done done", "done done"]);
});

replaces(471, "the wait is over when a file of the node is there", async (pod) => {
  const ready = "/run/nvidia/validations/toolkit-ready";
  pod.folder("/run/nvidia/validations");
  setImmediate(() => writeFileSync(pod.at(ready), ""));
  assert.deepEqual(await pod.run({ instead: soon("5s") }), met);
});

const both = async (pod: Container, db: Peer, redis: Peer): Promise<string[]> =>
  pod.run({
    env: {
      DB_HOST: "127.0.0.1",
      DB_PORT: `${db.port}`,
      REDIS_HOST: "127.0.0.1",
      REDIS_PORT: `${redis.port}`,
    },
  });

replaces(510, "two servers are waited for at once", async (pod) => {
  await using db = await listening();
  await using redis = await listening();
  assert.deepEqual(await both(pod, db, redis), met);
  assert.deepEqual([db.counts.accepted, redis.counts.accepted], [2, 2]);
});

replaces(512, "the server of a URL is waited for, whatever it answers", async (pod) => {
  await using server = await startFileServer((_, response) => response.writeHead(503).end());
  assert.deepEqual(await pod.run({ env: { API_HOST_NAME: server.origin } }), met);
});

replaces(517, "the wait is over when the database takes connections", async (pod) => {
  await using postgres = await listening();
  assert.deepEqual(await pod.run({ instead: { "postgres:5432": at(postgres) } }), met);
});
