import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { type Artifact, serveArtifact } from "../demo/artifact.ts";
import { hasHelm, overlaid, renderedByHelm } from "../helpers/manifests.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { query } from "../helpers/query.ts";
import { temporary } from "../helpers/temporary.ts";
import { buildImages } from "./podman.ts";
import {
  Cluster,
  type ContainerEnd,
  type Manifest,
  parseManifest,
  readManifest,
  withKubeletVolumes,
} from "./pods.ts";

/** The digest that stands in the README. */
const exampleDigest = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";
const password = "open-sesame";

/** What the main container looks at. Folders inherit the set-group-id bit from a volume that fsGroup made. */
const check = `
  set -eu
  [ "$(id -u)" = 65532 ]
  [ "$(cat /models/model/config.json)" = '{"layers": 2}' ]
  [ "$(stat -c %s /models/model/weights.bin)" = 262144 ]
  [ "$(stat -c %A /models/model | tr s x)" = drwxr-x--- ]
  [ "$(stat -c %A /models/model/config.json)" = -rw-r----- ]
  ! touch /models/mine 2>/dev/null
`;

describe("the README's pod", () => {
  let artifact: Artifact;
  let postgres: Postgres;
  let cluster: Cluster;
  let secret: string;
  let database: string;

  before(async () => {
    await buildImages();
    artifact = await serveArtifact();
    postgres = await startPostgres();
    cluster = new Cluster();
    database = await makeOwnedDatabase();
    secret = await cluster.addSecret({
      url: `postgres://app:${password}@127.0.0.1:${postgres.port}/${database}`,
    });
  });

  after(async () => {
    await cluster[Symbol.asyncDispose]();
    await postgres.stop();
    await artifact[Symbol.asyncDispose]();
  });

  async function makeOwnedDatabase(): Promise<string> {
    await query(postgres.url, `create role app login password '${password}'`);
    const name = new URL(await postgres.createDatabase()).pathname.slice(1);
    await query(postgres.url, `alter database ${name} owner to app`);
    return name;
  }

  /** The manifest of the README with the addresses of this test, and a main container that looks around. */
  function readmePod(replacements: Readonly<Record<string, string>> = {}): Manifest {
    const manifest = readManifest("readme-pod.yaml", {
      "http://files/": `${artifact.origin}/`,
      [exampleDigest]: artifact.sha256,
      "name: database": `name: ${secret}`,
      "image: my-app": "image: initkit:shell",
      ...replacements,
    });
    manifest.pod.spec.containers[0].command = ["sh", "-c", check];
    return manifest;
  }

  const tables = async (): Promise<string[]> => {
    const sql = "select tablename from pg_tables where schemaname = 'public' order by 1";
    const rows = await query(`${postgres.url.replace(/[^/]*$/, "")}${database}`, sql);
    return rows.map(({ tablename }) => String(tablename));
  };

  test("leaves no table behind where the archive is not the one that was meant", async () => {
    const { init, app, terminationMessage } = await cluster.play(
      readmePod({ [exampleDigest]: "0".repeat(64) }),
    );
    assert.equal(init.exitCode, 21, init.logs);
    assert.equal(app, undefined);
    assert.match(terminationMessage, /^step 2 of 4 \(/);
    assert.match(terminationMessage, /exit code 21: integrity/);
    assert.ok(Buffer.byteLength(terminationMessage) <= 4096);
    assert.deepEqual(await tables(), []);
  });

  for (const { what, replacements, exitCode, step } of [
    {
      what: "the wait has run out",
      replacements: { "/healthz --timeout 5m": "/missing --timeout 300ms" },
      exitCode: 10,
      step: 1,
    },
    {
      what: "the server has no such archive",
      replacements: { "model.tar.gz": "missing.tar.gz" },
      exitCode: 20,
      step: 2,
    },
    {
      what: "an option has a typing error",
      replacements: { "--contents": "--content" },
      exitCode: 2,
      step: undefined,
    },
  ]) {
    test(`ends with ${exitCode} and says so in its termination message when ${what}`, async () => {
      const { init, app, terminationMessage } = await cluster.play(readmePod(replacements));
      assert.equal(init.exitCode, exitCode, init.logs);
      assert.equal(app, undefined);
      assert.match(terminationMessage, new RegExp(`exit code ${exitCode}:`));
      if (step !== undefined) assert.match(terminationMessage, new RegExp(`^step ${step} of 4 `));
      assert.ok(!(init.logs + terminationMessage).includes(password));
    });
  }

  test("prepares the database and the volume that the main container finds", async () => {
    const { init, app, terminationMessage } = await cluster.play(readmePod());
    assertFine(init);
    assertFine(app);
    assert.equal(init.memoryLimit, 64 * 1024 * 1024);
    assert.equal(terminationMessage, "");
    assert.ok(!init.logs.includes(password));
    assert.deepEqual(await tables(), ["initkit_migrations", "orders", "users"]);
  });

  test("does what an overlay has made of its steps", async () => {
    const { pod, configMaps } = readmePod();
    const merged = overlaid(pod);
    merged.spec.containers[0].command = [
      "sh",
      "-ec",
      '[ "$(ls -A /models) $(cat /models/*)" = "stage staging" ]',
    ];
    const { init, app } = await cluster.play({ pod: merged, configMaps });
    assertFine(init);
    assertFine(app);
  });

  test("does what Helm has made of its steps", { skip: hasHelm ? false : "helm is not here" }, async (t) => {
    const manifest = parseManifest(renderedByHelm(temporary(t)), {
      "https://example.com/model.tar.gz": artifact.url,
      "name: database": `name: ${secret}`,
      "image: my-app": "image: initkit:shell",
    });
    manifest.pod.spec.containers[0].command = ["test", "-s", "/models/model/weights.bin"];
    const { init, app } = await cluster.play(manifest);
    assertFine(init);
    assertFine(app);
    assert.deepEqual(eventsOf(init.logs, "step.start"), [1, 2, 3]);
  });

  test("has its migrations applied by the README's Job too", async () => {
    const { pod } = readManifest("job.yaml", { "name: database": `name: ${secret}` });
    const { configMaps } = readmePod();
    const { init } = await cluster.play({ pod, configMaps });
    assertFine(init);
    assert.deepEqual(await tables(), ["initkit_migrations", "orders", "users"]);
    assert.ok(!init.logs.includes(password));
  });

  test("works on volumes as the kubelet makes them, and finds its work done after a restart", async () => {
    const play = () => cluster.play(withKubeletVolumes(readmePod(), cluster.folder));
    const first = await play();
    assertFine(first.init);
    assertFine(first.app);
    assert.deepEqual(readdirSync(join(cluster.folder, "models/model")).toSorted(), [
      "config.json",
      "vocabulary.txt",
      "weights.bin",
    ]);

    const second = await play();
    assertFine(second.init);
    assertFine(second.app);
    assert.deepEqual(eventsOf(second.init.logs, "step.unchanged"), [2, 3, 4]);
  });
});

function assertFine(container: ContainerEnd | undefined): void {
  assert.ok(container, "it was not started");
  assert.equal(container.exitCode, 0, container.logs);
}

/** The steps that an event names. */
function eventsOf(logs: string, event: string): number[] {
  const lines = logs.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).flatMap((line) => (line.event === event ? [line.step] : []));
}
