import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { registry } from "../../src/registry.ts";
import { serveArtifact } from "../demo/artifact.ts";
import { fill } from "../helpers/config-map.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { snapshot } from "../helpers/snapshot.ts";
import { changeTimesIn, giveTo, ownersIn } from "../helpers/tree.ts";
import { buildImages, type Ended, initkit, podman, restricted } from "./podman.ts";
import { type Case, group, played, refused, type Servers, swappiness, user } from "./task-steps.ts";

/** In the root group, as OpenShift does it; and without /dev/shm, so that nothing can be written but what is mounted. */
const locked = [`--user=${user}:0`, `--group-add=${group}`, "--ipc=none", "--network=host"];

const root = mkdtempSync(join(tmpdir(), "initkit-tasks-"));
const server = createServer((socket) => socket.on("error", () => {}).resume());
let postgres: Postgres;
let servers: Servers;

before(async () => {
  await buildImages();
  await once(server.listen(0, "127.0.0.1"), "listening");
  postgres = await startPostgres();
  servers = {
    tcp: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    artifact: await serveArtifact(),
    database: await postgres.createDatabase(),
  };
});

after(async () => {
  server.close();
  await servers.artifact[Symbol.asyncDispose]();
  await postgres.stop();
  rmSync(root, { recursive: true });
});

let runs = 0;

interface Volumes {
  readonly input: string;
  readonly work: string;
}

/** Volumes as the kubelet makes them: of root, and open through their group; what is in them is the user's own. */
function volumesOf({ reads = {}, holds = {} }: Case): Volumes {
  const folder = join(root, String(++runs));
  const [input, work] = [join(folder, "in"), join(folder, "work")];
  for (const [volume, files] of [
    [input, reads],
    [work, holds],
  ] as const) {
    mkdirSync(volume, { recursive: true });
    fill(volume, files);
    giveTo(volume, user, group);
    chownSync(volume, 0, group);
    chmodSync(volume, 0o2770);
  }
  return { input, work };
}

async function run({ reads, holds, words = [], document }: Case, { input, work }: Volumes): Promise<Ended> {
  const options = [
    ...locked,
    ...(reads ? [`--volume=${input}:/in:ro`] : []),
    ...(holds ? [`--volume=${work}:/work`] : []),
    ...(document ? [`--env=INITKIT_STEPS=${document}`] : []),
  ];
  return await initkit(typeof words === "function" ? words(servers) : words, options);
}

/** All that a step could have touched; that a folder has held a file for a moment is no trace in what it holds. */
function stateOf(volume: string) {
  const { ".": _, ...changeTimes } = changeTimesIn(volume);
  return { contents: snapshot(volume), owners: ownersIn(volume), changeTimes };
}

describe("as Pod Security restricted asks, as a user that no image knows and within 64 MiB", () => {
  test("each task has a step here", () => {
    assert.deepEqual(Object.keys(played), [...registry.keys()]);
  });

  test("the containers of these tests have no right and no place to write", async () => {
    const look = `
      id -u; id -G
      grep -E '^(Cap|NoNewPrivs|Seccomp:)' /proc/self/status | tr -d '\\t'
      find / -xdev ! -type l ! -path '/proc/*' -perm -2; touch /new
    `;
    const options = ["run", "--rm", ...restricted, ...locked, "--entrypoint", "sh", "initkit:shell"];
    const { stdout, stderr } = await podman([...options, "-c", look]);
    const none = "0".repeat(16);
    assert.deepEqual(stdout.trim().split("\n"), [
      String(user),
      `0 ${group}`,
      ...["Inh", "Prm", "Eff", "Bnd", "Amb"].map((set) => `Cap${set}:${none}`),
      "NoNewPrivs:1",
      "Seccomp:2",
    ]);
    assert.match(stderr, /\/new: Read-only file system/);
  });

  for (const [task, step] of Object.entries(played)) {
    test(`${task} works`, async () => {
      const volumes = volumesOf(step);
      const ended = await run(step, volumes);
      assert.equal(ended.exitCode, 0, ended.stderr);
      await step.leaves?.(volumes.work, ended, servers);
    });
  }

  for (const [what, step] of Object.entries(refused)) {
    test(`${what} is refused with ${step.exitCode} and a hint, and nothing is touched`, async () => {
      const volumes = volumesOf(step);
      const state = () => [...Object.values(volumes).map(stateOf), swappiness()];
      const untouched = state();
      const { exitCode, stdout, stderr } = await run(step, volumes);
      assert.equal(exitCode, step.exitCode, stderr);
      assert.match(stderr, /"hint":"/);
      assert.equal(stdout, "");
      assert.deepEqual(state(), untouched);
    });
  }
});
