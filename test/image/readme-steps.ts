import assert from "node:assert/strict";
import { appendFileSync, lstatSync, readFileSync, writeFileSync } from "node:fs";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { fakeS3 } from "../helpers/fake-s3.ts";
import { files } from "../helpers/file-server.ts";
import { filesOf, foreignSetups } from "../helpers/foreign-histories.ts";
import { query } from "../helpers/query.ts";
import { modesIn, ownersIn } from "../helpers/tree.ts";
import { hosts, type Scene, type World } from "./readme-scene.ts";

type Play = (world: World) => Scene | Promise<Scene>;

const listens: Play = (world) => ({ arrives: () => world.listen("db", 5432) });

const databaseStarts: Play = async (world) => ({
  env: { DATABASE_URL: await world.databaseUrl() },
  arrives: () => world.startDatabase(),
});

const answers =
  (status: number): Play =>
  (world) => ({
    arrives: () => world.serve("auth", 8080, (_, response) => response.writeHead(status).end()),
  });

const cluster =
  (objects: Readonly<Record<string, object>>): Play =>
  (world) =>
    world.cluster(objects);

const makes =
  (path: string, content: string): NonNullable<Scene["leaves"]> =>
  (at) =>
    assert.equal(readFileSync(at(path), "utf8"), content);

/** A file of https://example.com is downloaded into a volume. */
const downloads =
  (served: Readonly<Record<string, string | Buffer>>, volume: string, name: string, content: string): Play =>
  async (world) => {
    await world.serve("example.com", 443, files(served));
    return { ...world.trust, volumes: { [volume]: {} }, leaves: makes(`${volume}/${name}`, content) };
  };

/** A template is filled in for `HOST`; `${PATH}` is the application's own. */
const renders = (path: string, marks: string, filled: string): Play => {
  const [, folder, name] = /^(.*)\/(.*)$/.exec(path)!;
  return () => ({
    env: { HOST: "example.com" },
    mounts: { "/templates": { [name!]: marks } },
    volumes: { [folder!]: {} },
    leaves: makes(path, filled),
  });
};

const tablesOf = async ({ postgres }: World, url: string): Promise<string[]> => {
  const sql = "select tablename from pg_tables where schemaname = 'public' order by 1";
  const rows = await query(postgres.url.replace(/[^/]*$/, new URL(url).pathname.slice(1)), sql);
  return rows.map(({ tablename }) => String(tablename));
};

/** A database in which a tool has applied the first two of four files. */
const goesOnAfter =
  (tool: "flyway" | "goose"): Play =>
  async (world) => {
    const setup = foreignSetups[tool];
    const url = await world.databaseUrl();
    await query(world.postgres.url.replace(/[^/]*$/, new URL(url).pathname.slice(1)), setup.history);
    await world.startDatabase();
    return {
      env: { DATABASE_URL: url },
      mounts: { "/migrations": filesOf(setup) },
      leaves: async () =>
        assert.deepEqual(
          await tablesOf(world, url),
          [setup.table, "initkit_migrations", "t3", "t4"].toSorted(),
        ),
    };
  };

const createsDatabase: Play = async (world) => {
  const url = await world.databaseUrl("made_by_migrate");
  return {
    env: { DATABASE_URL: url },
    mounts: { "/migrations": filesOf(foreignSetups.dbmate) },
    arrives: () => world.startDatabase(),
    leaves: async () =>
      assert.deepEqual(await tablesOf(world, url), ["initkit_migrations", "t1", "t2", "t3", "t4"]),
  };
};

/** What the README says that another owner takes. */
const mayChown = ["--user=0:0", "--cap-add=CHOWN", "--cap-add=DAC_OVERRIDE"];

const jar = "what is in the jar";
const sum = createHash("sha256").update(jar).digest("hex");
const data = gzipSync(tar({ name: "data-1.0/table.csv", content: "a,b\n" }));
const parameter = "/proc/sys/vm/max_map_count";

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
    { "/data.tar.gz": data },
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
  "run -- ./manage.py migrate": () => ({
    image: "initkit:shell",
    options: ["--workdir=/app"],
    volumes: { "/app": { "manage.py": '#!/bin/sh\necho "$*" >done\n' } },
    leaves: makes("/app/done", "migrate\n"),
  }),
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
  "sysctl vm.max_map_count=262144 --at-least": ({ t }) => {
    const before = readFileSync(parameter, "utf8");
    t.after(() => writeFileSync(parameter, before));
    return {
      options: ["--privileged", "--user=0:0"],
      leaves: () => assert.ok(Number(readFileSync(parameter, "utf8")) >= 262_144),
    };
  },
};

/** Each document in the README, by its first line that is not `steps:`. */
export const documents: Readonly<Record<string, Play>> = {
  "timeout: 10m": async (world) => {
    const url = await world.databaseUrl();
    await world.serve("example.com", 443, files({ "/model.tar.gz": data }));
    await world.serve("auth", 8080, files({ "/healthz": "ok" }));
    return {
      image: "initkit:shell",
      options: ["--workdir=/app"],
      env: { ...world.trust.env, DATABASE_URL: url },
      mounts: { ...world.trust.mounts, "/migrations": { "1_users.sql": "create table users (id bigint);" } },
      volumes: { "/models": {}, "/app": { "manage.py": '#!/bin/sh\necho "$* $MODE" >done\n' } },
      arrives: () => world.startDatabase(),
      async leaves(at) {
        makes("/models/data-1.0/table.csv", "a,b\n")(at, "");
        assert.equal(lstatSync(at("/models/data-1.0/table.csv")).mode & 0o777, 0o640);
        assert.deepEqual(await tablesOf(world, url), ["initkit_migrations", "users"]);
        makes("/app/done", "check init\n")(at, "");
      },
    };
  },
  "- migrate: /migrations": goesOnAfter("goose"),
  "- script: |": async (world) => {
    await world.serve("auth", 8080, (_, response) => response.end());
    const services = { services: [{ name: "auth", url: "http://auth:8080" }] };
    return {
      mounts: { "/config": { "services.yaml": JSON.stringify(services) } },
      leaves: (_, log) => assert.match(log, /auth answers 200/),
    };
  },
};
