import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { databaseSnapshot } from "../helpers/database-snapshot.ts";
import { serve, type Source, tagOf } from "../helpers/fault-server.ts";
import { type FileServer, startFileServer } from "../helpers/file-server.ts";
import { type Site, siteOn } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { debris, snapshot } from "../helpers/snapshot.ts";
import { buildImages, podmanSays } from "./podman.ts";
import { Cluster, type Manifest, readManifest, withKubeletVolumes } from "./pods.ts";

/** What the second migration waits for, so that it can be killed in its midst. */
const latch = 4711;

const archive = gzipSync(
  tar(...Array.from({ length: 40 }, (_, n) => ({ name: `model/${n}.bin`, content: randomBytes(100_000) }))),
);

describe("the README's pod whose init container is killed half-way", () => {
  const source: Source = { content: archive, etag: tagOf(archive) };
  let cluster: Cluster;
  let postgres: Postgres;
  let files: FileServer;

  before(async () => {
    await buildImages();
    cluster = new Cluster();
    postgres = await startPostgres();
    const model = serve(source);
    files = await startFileServer((asked, response) =>
      asked.url === "/healthz" ? void response.end() : model(asked, response),
    );
  });

  after(async () => {
    await files[Symbol.asyncDispose]();
    await postgres.stop();
    await cluster[Symbol.asyncDispose]();
  });

  /** On volumes that outlive the pod, as an emptyDir outlives a container that the kubelet starts again. */
  function podOn(site: Site): Manifest {
    const manifest = readManifest("readme-pod.yaml", {
      "http://files/": `${files.origin}/`,
      "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08": createHash("sha256")
        .update(archive)
        .digest("hex"),
      "valueFrom: {secretKeyRef: {name: database, key: url}}": `value: ${site.url}`,
      "(lower(email));": `(lower(email)); select pg_advisory_xact_lock(${latch});`,
      "image: my-app": "image: initkit:shell",
    });
    manifest.pod.spec.containers[0].command = ["true"];
    return withKubeletVolumes(manifest, site.folder);
  }

  async function assertKilled(site: Site, halfWay: Promise<void>): Promise<void> {
    const { init, app, terminationMessage } = await cluster.play(podOn(site), async (container) => {
      await halfWay;
      await podmanSays("kill", "--signal", "KILL", container);
    });
    assert.equal(init.exitCode, 137, init.logs);
    assert.equal(app, undefined);
    assert.equal(terminationMessage, "");
  }

  async function assertPrepared(site: Site): Promise<void> {
    const { init, app } = await cluster.play(podOn(site));
    assert.equal(init.exitCode, 0, init.logs);
    assert.equal(app?.exitCode, 0);
  }

  /** Of the volume and of the database. */
  async function stateOf(site: Site) {
    await using session = await site.session();
    const models = join(site.folder, "models");
    return {
      models: snapshot(models),
      debris: debris(models),
      database: await databaseSnapshot(session),
      history: await site.history(),
    };
  }

  test("ends as a clean run does, when it is started again", async () => {
    await using clean = await siteOn(postgres, {});
    await assertPrepared(clean);

    await using site = await siteOn(postgres, {});
    const models = join(site.folder, "models");
    source.cuts = [archive.length / 2];
    const half = Promise.withResolvers<void>();
    const killed = Promise.withResolvers<void>();
    source.beforeCut = () => (half.resolve(), killed.promise);
    await assertKilled(
      site,
      half.promise.then(() => someDebris(models)),
    );
    killed.resolve();
    assert.notDeepEqual(debris(models), []);
    assert.equal(existsSync(join(models, "model")), false);

    {
      await using holder = await site.session();
      await holder.query(`select pg_advisory_lock(${latch})`);
      await assertKilled(site, site.until("wait_event = 'advisory'"));
      assert.deepEqual(await site.history(), ["001_users.sql"]);
    }

    await assertPrepared(site);
    const [expected, found] = [await stateOf(clean), await stateOf(site)];
    assert.deepEqual(found.debris, []);
    assert.deepEqual(found, expected);
  });
});

/** What the server has sent may be on its way yet. */
async function someDebris(folder: string): Promise<void> {
  while (debris(folder).length === 0) await setTimeout(10);
}
