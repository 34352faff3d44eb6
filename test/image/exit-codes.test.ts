import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { exitTable, type FailureCode } from "../../src/failure.ts";
import { type Site, siteOn } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { buildImages, podmanSays } from "./podman.ts";
import { Cluster, type Manifest, readManifest, withKubeletVolumes } from "./pods.ts";

/** Answers nothing but 503 to /busy, and 404 to everything else. */
const server = createServer((asked, response) => response.writeHead(asked.url === "/busy" ? 503 : 404).end());
let postgres: Postgres;
let site: Site;
let cluster: Cluster;

before(async () => {
  await buildImages();
  await once(server.listen(0, "127.0.0.1"), "listening");
  postgres = await startPostgres();
  site = await siteOn(postgres, { "1_t.sql": "select 1" });
  cluster = new Cluster();
  // The only volume of these pods that can be full.
  mkdirSync(join(cluster.folder, "config"));
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", join(cluster.folder, "config")]);
});

after(async () => {
  execFileSync("umount", [join(cluster.folder, "config")]);
  await cluster[Symbol.asyncDispose]();
  await site[Symbol.asyncDispose]();
  await postgres.stop();
  server.closeAllConnections();
  server.close();
});

const origin = (): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

interface Failing {
  readonly steps: () => unknown;
  /** A migration in the same ConfigMap. */
  readonly sql?: string;
  readonly before?: () => Promise<unknown>;
  readonly meanwhile?: (init: string) => Promise<void>;
}

const nowhere = "127.0.0.1:1";

/** A pod for each code; only a defect cannot be had at will. */
const pods: Readonly<Record<Exclude<FailureCode, "internal">, Failing>> = {
  configuration: { steps: () => [{ download: "http://example.com/a", too: "/config" }] },
  "not-ready": { steps: () => [{ "wait-for": nowhere, timeout: "200ms" }] },
  "source-unavailable": {
    steps: () => [{ download: `http://${nowhere}/a`, to: "/config/a", retries: 0 }],
  },
  "database-unavailable": {
    steps: () => [{ migrate: "/init", database: `postgres://${nowhere}/app`, timeout: "200ms" }],
    sql: "select 1",
  },
  "command-timeout": { steps: () => [{ sleep: "1m", timeout: "100ms" }] },
  io: { steps: () => [{ write: "/config/full", content: "x".repeat(100_000) }] },
  refused: { steps: () => [{ download: `${origin()}/a`, to: "/config/a" }] },
  integrity: {
    steps: () => [{ download: "file:///init/steps.yaml", to: "/config/a", sha256: "0".repeat(64) }],
  },
  sql: { steps: () => [{ migrate: "/init", database: site.url }], sql: "select 1/0" },
  history: {
    before: () => site.run(),
    steps: () => [{ migrate: "/init", database: site.url }],
    sql: "select 2",
  },
  access: { steps: () => [{ copy: "/init/missing", to: "/config" }] },
  "command-failed": { steps: () => [{ run: ["/initkit/bin/initkit", "no-such-task"] }] },
  "run-timeout": { steps: () => ({ timeout: "200ms", steps: [{ sleep: "1m" }] }) },
  signal: {
    steps: () => [{ "wait-for": `${origin()}/busy`, timeout: "0" }],
    async meanwhile(init) {
      await once(server, "request");
      await podmanSays("kill", "--signal", "TERM", init);
    },
  },
};

/** The README's pod whose steps are in a ConfigMap, with other steps there. */
function podOf({ steps, sql }: Failing): Manifest {
  const manifest = readManifest("config-map.yaml", {
    "valueFrom: {secretKeyRef: {name: api, key: token}}": "value: open-sesame",
    "image: my-app": "image: initkit:shell",
  });
  const data = { "steps.yaml": JSON.stringify(steps()), ...(sql && { "1_t.sql": sql }) };
  manifest.configMaps[0].data = data;
  manifest.pod.spec.containers[0].command = ["true"];
  return withKubeletVolumes(manifest, cluster.folder);
}

describe("a pod's init container that fails", () => {
  const known = exitTable().filter(({ code }) => code !== "internal");
  for (const { code, shown, meaning } of known) {
    const failing = pods[code as keyof typeof pods];
    test(`ends with ${shown} and says so, and the main container does not start: ${meaning}`, async () => {
      await failing.before?.();
      const { init, app, terminationMessage } = await cluster.play(podOf(failing), failing.meanwhile);
      const exitCode = code === "signal" ? 143 : Number(shown);
      assert.equal(init.exitCode, exitCode, init.logs);
      assert.equal(app, undefined);
      assert.match(terminationMessage, new RegExp(`exit code ${exitCode}: `));
      assert.ok(Buffer.byteLength(terminationMessage) <= 4096);
    });
  }
});
