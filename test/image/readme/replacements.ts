import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { appendFileSync, readFileSync } from "node:fs";
import { fakeS3 } from "../../helpers/fake-s3.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { modesIn, ownersIn } from "../../helpers/tree.ts";
import {
  answers,
  archive,
  databaseStarts,
  downloads,
  goesOnAfter,
  listens,
  makes,
  type Play,
  raisesParameter,
  renders,
  runsManage,
} from "./plays.ts";
import { hosts } from "./scene.ts";

const cluster =
  (objects: Readonly<Record<string, object>>): Play =>
  (world) =>
    world.cluster(objects);

const createsDatabase: Play = async (world) => {
  const url = await world.databaseUrl("made_by_migrate");
  return {
    env: { DATABASE_URL: url },
    mounts: { "/migrations": filesOf(foreignSetups.dbmate) },
    arrives: () => world.startDatabase(),
    leaves: async () =>
      assert.deepEqual(await world.tables(url), ["initkit_migrations", "t1", "t2", "t3", "t4"]),
  };
};

/** What the README says that another owner takes. */
const mayChown = ["--user=0:0", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE"];

const jar = "what is in the jar";
const sum = createHash("sha256").update(jar).digest("hex");

/** Each step that stands in place of another tool. */
export const steps: Readonly<Record<string, Play>> = {
  "wait-for db:5432 --timeout 0": listens,
  "wait-for postgres://db --timeout 0": databaseStarts,
  "wait-for http://auth:8080/healthz --timeout 0": answers(200),
  "wait-for http://auth:8080/healthz --status any --timeout 0": answers(404),
  "wait-for dns:db --timeout 0": () => ({
    knows: [],
    arrives: async (container) =>
      appendFileSync(await container.inspect("{{.HostsPath}}"), `${hosts.db} db\n`),
  }),
  "wait-for db:5432 --timeout 60s": listens,
  "wait-for tcp://db:5432 http://auth:8080 --status 2xx --timeout 60s": (world) => ({
    async arrives() {
      await world.listen("db", 5432);
      await world.serve("auth", 8080, (_, response) => response.end());
    },
  }),
  "render /templates/app.conf /config/app.conf": renders(
    "/config/app.conf",
    "host = ${HOST}\n",
    "host = example.com\n",
  ),
  "wait-for http://auth:8080 --status 200 --timeout 2m": answers(200),
  "wait-for ${DATABASE_URL} --timeout 2m": databaseStarts,
  "wait-for db:5432 --absent": async (world) => {
    const peer = await world.listen("db", 5432);
    return { arrives: () => peer[Symbol.asyncDispose]() };
  },
  "wait-for kubernetes:job/migrate --timeout 0": cluster({
    "/apis/batch/v1/namespaces/shop/jobs/migrate": {
      status: { conditions: [{ type: "Complete", status: "True" }] },
    },
  }),
  "wait-for kubernetes:service/db --timeout 0": cluster({
    "/api/v1/namespaces/shop/services/db": { spec: { selector: { app: "db" } } },
    "/apis/discovery.k8s.io/v1/namespaces/shop/endpointslices/db-1": {
      metadata: { labels: { "kubernetes.io/service-name": "db" } },
      endpoints: [{ conditions: { ready: true } }],
    },
  }),
  "wait-for kubernetes:deployment/api?condition=Available": cluster({
    "/apis/apps/v1/namespaces/shop/deployments/api": {
      status: { conditions: [{ type: "Available", status: "True" }] },
    },
  }),
  "download https://example.com/data.tar.gz /data --extract --strip 1": downloads(
    { "/data.tar.gz": archive },
    "/data",
    "table.csv",
    "a,b\n",
  ),
  "download https://example.com/a.jar /plugins/ --checksum https://example.com/SHA256SUMS": downloads(
    { "/a.jar": jar, "/SHA256SUMS": `${sum}  a.jar\n` },
    "/plugins",
    "a.jar",
    jar,
  ),
  "download s3://bucket/model.bin /models/": async (world) => {
    const keys = { AKIDEXAMPLE: { secret: "open-sesame" } };
    await world.serve("example.com", 80, fakeS3({ keys, buckets: { bucket: { "model.bin": "model" } } }));
    return {
      env: {
        AWS_ENDPOINT_URL: "http://example.com",
        AWS_S3_ADDRESSING_STYLE: "path",
        AWS_ACCESS_KEY_ID: "AKIDEXAMPLE",
        AWS_SECRET_ACCESS_KEY: "open-sesame",
      },
      volumes: { "/models": {} },
      leaves: makes("/models/model.bin", "model"),
    };
  },
  "migrate /migrations --adopt dbmate --create-database": createsDatabase,
  "migrate /migrations --adopt auto": goesOnAfter("flyway"),
  "run -- ./manage.py migrate": () => runsManage("migrate\n"),
  "permissions /data --owner 1000:1000": () => ({
    options: mayChown,
    volumes: { "/data": { "sub/file": "" } },
    leaves: (at) => assert.deepEqual(new Set(Object.values(ownersIn(at("/data")))), new Set(["1000:1000"])),
  }),
  "permissions /data --contents --owner 999": () => ({
    options: mayChown,
    volumes: { "/data": { "sub/file": "" } },
    leaves(at) {
      const { ".": top, ...within } = ownersIn(at("/data"));
      assert.equal(top, "65532:65532");
      assert.deepEqual(new Set(Object.values(within)), new Set(["999:65532"]));
    },
  }),
  "permissions /data --mode g+rwX": () => ({
    volumes: { "/data": { "sub/file": "" } },
    leaves: (at) => assert.deepEqual(modesIn(at("/data")), { ".": "775", sub: "775", "sub/file": "775" }),
  }),
  "render /templates/nginx.conf /etc/nginx/nginx.conf --only HOST": renders(
    "/etc/nginx/nginx.conf",
    "server_name ${HOST}; root ${PATH};\n",
    "server_name example.com; root ${PATH};\n",
  ),
  "render /templates/app.conf /config/app.conf --set @HOST@=${HOST}": renders(
    "/config/app.conf",
    "host = @HOST@\n",
    "host = example.com\n",
  ),
  "copy /secret /keys --mode 0600": () => ({
    mounts: { "/secret": { "tls.key": "key", "tls.crt": "certificate" } },
    volumes: { "/keys": {} },
    leaves(at) {
      const { ".": _, ...modes } = modesIn(at("/keys"));
      assert.deepEqual(modes, { "tls.crt": "600", "tls.key": "600" });
      assert.equal(readFileSync(at("/keys/tls.key"), "utf8"), "key");
    },
  }),
  "sysctl vm.max_map_count=262144 --at-least": raisesParameter,
};
