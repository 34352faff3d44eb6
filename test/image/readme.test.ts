import assert from "node:assert/strict";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test, type TestContext } from "node:test";
import { registry } from "../../src/registry.ts";
import { fill, mountConfigMap } from "../helpers/config-map.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { blocksOf, exampleSteps, replacements } from "../helpers/readme.ts";
import { temporary } from "../helpers/temporary.ts";
import { giveTo, pathsIn } from "../helpers/tree.ts";
import { buildImages, logged, startInitkit } from "./podman.ts";
import { hosts, type Scene, World } from "./readme/scene.ts";
import { documents } from "./readme/documents.ts";
import { examples } from "./readme/examples.ts";
import { steps } from "./readme/replacements.ts";

let postgres: Postgres;

before(async () => {
  await buildImages();
  postgres = await startPostgres();
});

after(() => postgres.stop());

const user = 65532;
const keys = Object.keys as <K extends string>(record: Readonly<Record<K, unknown>>) => K[];

/** Lays out what a container finds, and answers where a path of it is outside. */
function layOut(folder: string, { volumes = {}, mounts = {} }: Scene): (path: string) => string {
  const at = (path: string) => join(folder, path);
  for (const path of [...Object.keys(volumes), ...Object.keys(mounts)])
    mkdirSync(at(path), { recursive: true });
  for (const [path, files] of Object.entries(volumes)) {
    fill(at(path), files);
    for (const name of pathsIn(at(path))) chmodSync(join(at(path), name), 0o755);
    giveTo(at(path), user, user);
  }
  for (const [path, files] of Object.entries(mounts)) mountConfigMap(at(path), files);
  return at;
}

function optionsOf(scene: Scene, at: (path: string) => string): string[] {
  const { volumes = {}, mounts = {}, env = {}, knows = keys(hosts), options = [] } = scene;
  return [
    "--network=host",
    ...knows.map((host) => `--add-host=${host}:${hosts[host]}`),
    ...Object.keys(volumes).map((path) => `--volume=${at(path)}:${path}`),
    ...Object.keys(mounts).map((path) => `--volume=${at(path)}:${path}:ro`),
    ...Object.entries(env).map(([name, value]) => `--env=${name}=${value}`),
    // A wait without an end would not fail, but hang.
    "--env=INITKIT_TIMEOUT=2m",
    ...options,
  ];
}

/** Runs a step as Pod Security restricted asks, unless its options say more. */
async function play(t: TestContext, variable: string, scene: Scene): Promise<void> {
  const at = layOut(temporary(t), scene);
  const options = [...optionsOf(scene, at), `--env=${variable}`];
  await using container = await startInitkit([], options, scene.image);
  if (scene.arrives) {
    await logged(container, /"event":"attempt\.failed"/);
    await scene.arrives(container);
  }
  const exitCode = await container.ended();
  const log = await container.logs();
  assert.equal(exitCode, 0, log);
  await scene.leaves?.(at, log);
}

describe("each step that the README shows", () => {
  test("of the tasks is run here, and each task has one", () => {
    assert.deepEqual(exampleSteps(), Object.keys(examples));
    const tasks = exampleSteps().map((step) => step.split(" ", 1)[0]);
    assert.deepEqual(
      tasks,
      [...registry.keys()].filter((task) => task !== "script"),
    );
  });

  test("in place of another tool is run here", () => {
    assert.deepEqual(
      replacements().flatMap((row) => row.steps),
      Object.keys(steps),
    );
  });

  for (const [step, sceneIn] of Object.entries({ ...examples, ...steps })) {
    test(`does what it says: ${step}`, async (t) =>
      play(t, `INITKIT_STEP_1=${step}`, await sceneIn(new World(t, postgres))));
  }
});

describe("each document in the README", () => {
  const shown = new Map(
    blocksOf("yaml").map((text) => [text.replace(/^steps:\s+/, "").split("\n", 1)[0]!, text]),
  );

  test("is run here", () => assert.deepEqual([...shown.keys()], Object.keys(documents)));

  for (const [line, sceneIn] of Object.entries(documents)) {
    test(`does what it says: ${line} …`, async (t) =>
      play(t, `INITKIT_STEPS=${shown.get(line)}`, await sceneIn(new World(t, postgres))));
  }
});
