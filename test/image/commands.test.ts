import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { type Artifact, serveArtifact } from "../demo/artifact.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { query } from "../helpers/query.ts";
import { readme } from "../helpers/readme.ts";
import { buildImages, type Ended, podmanSays } from "./podman.ts";

const root = join(import.meta.dirname, "../..");

/** Every command of the README that builds the image or runs it. */
const commands = readme
  .replaceAll("\\\n", "")
  .split("\n")
  .filter((line) => line.startsWith("docker "));

/** What each of them must have done, by its own words. */
const outcomes: Readonly<Record<string, (ended: Ended) => unknown>> = {
  "then download https://example.com": () => assert.ok(existsSync(join(folder, "models/model/weights.bin"))),
  "docker build --tag initkit .": (ended) => assertTagged("initkit", ended),
  "docker build --tag initkit:shell": (ended) => assertTagged("initkit:shell", ended),
  "then migrate /migrations": async () => {
    assert.deepEqual(await query(database, "select * from users"), []);
  },
  "check -f /steps.yaml": ({ stdout }) => assert.match(stdout, /wait-for/),
  "-f - <steps.yaml": ({ stderr }) => assert.match(stderr, /"event":"run\.done"/),
};

/** The last line that a build prints is the image's. */
async function assertTagged(tag: string, { stdout }: Ended): Promise<void> {
  assert.equal(stdout.trim().split("\n").at(-1), await podmanSays("inspect", "--format", "{{.Id}}", tag));
}

let folder: string;
let artifact: Artifact;
let postgres: Postgres;
let database: string;

before(async () => {
  await buildImages();
  artifact = await serveArtifact();
  postgres = await startPostgres();
  database = await postgres.createDatabase();
  folder = mkdtempSync(join(tmpdir(), "initkit-commands-"));
  chmodSync(folder, 0o755);
  for (const name of ["models", "migrations"]) mkdirSync(join(folder, name));
  chmodSync(join(folder, "models"), 0o777);
  writeFileSync(join(folder, "migrations/001_users.sql"), "create table users (id bigint primary key);");
  writeFileSync(join(folder, "steps.yaml"), `- wait-for: ${artifact.origin}/healthz\n`);
});

after(async () => {
  await artifact[Symbol.asyncDispose]();
  await postgres.stop();
  rmSync(folder, { recursive: true });
});

/** In a shell, with podman in the place of docker, on the network where the servers of this test are. */
async function run(command: string): Promise<Ended> {
  const line = command
    .replace(/^docker (build|run) (?!.*--network)/, "docker $1 --network host ")
    .replace("https://example.com/model.tar.gz", artifact.url)
    .replace("https://example.com", `${artifact.origin}/healthz`);
  const script = `docker() { podman "$@"; }\n${line}`;
  const child = spawn("sh", ["-c", script], {
    cwd: command.startsWith("docker build ") ? root : folder,
    env: { ...process.env, DATABASE_URL: database },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await once(child, "close")) as [number | null];
  const [stdout, stderr] = await output;
  return { exitCode, stdout, stderr };
}

describe("what the README runs by docker", () => {
  test("is run here, all of it", () => {
    const outcomesOf = (command: string) => Object.keys(outcomes).filter((words) => command.includes(words));
    assert.deepEqual(commands.flatMap(outcomesOf), Object.keys(outcomes));
    assert.equal(commands.length, Object.keys(outcomes).length);
  });

  for (const [words, assertOutcome] of Object.entries(outcomes)) {
    test(`does what it says: … ${words} …`, async () => {
      const ended = await run(commands.find((command) => command.includes(words))!);
      assert.equal(ended.exitCode, 0, ended.stderr);
      await assertOutcome(ended);
    });
  }
});
