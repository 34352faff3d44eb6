import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { manifests } from "../helpers/manifests.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { ready } from "../helpers/wait.ts";
import { buildImages } from "./podman.ts";

const hasCompose = spawnSync("docker-compose", ["version"]).status === 0;

describe("the README's Compose file", { skip: hasCompose ? false : "docker-compose is not here" }, () => {
  const folder = mkdtempSync(join(tmpdir(), "initkit-compose-"));
  const socket = join(folder, "podman.sock");
  let podman: ChildProcess;
  let postgres: Postgres;

  before(async () => {
    await buildImages();
    postgres = await startPostgres();
    podman = spawn("podman", ["system", "service", "--time", "0", `unix://${socket}`], { stdio: "ignore" });
    await ready(`unix:${socket}`);
    chmodSync(folder, 0o755);
    mkdirSync(join(folder, "migrations"));
    mkdirSync(join(folder, "out"));
    chmodSync(join(folder, "out"), 0o777);
  });

  after(async () => {
    await compose("down");
    podman.kill("SIGKILL");
    await once(podman, "exit");
    await postgres.stop();
    rmSync(folder, { recursive: true });
  });

  async function compose(...words: string[]): Promise<string> {
    const files = ["compose.yaml", "surroundings.yaml"].flatMap((file) => ["--file", join(folder, file)]);
    const project = ["--project-name", `initkit-test-${process.pid}`];
    const child = spawn("docker-compose", [...files, ...project, ...words], {
      env: { ...process.env, DOCKER_HOST: `unix://${socket}` },
      stdio: ["ignore", "pipe", "pipe"],
    });
    return (await Promise.all([text(child.stdout), text(child.stderr)])).join("");
  }

  /** The services as the README has them, on the host's network, with an application that leaves a mark. */
  async function up(sql: string): Promise<{ log: string; appStarted: boolean }> {
    writeFileSync(join(folder, "migrations/001_users.sql"), sql);
    const file = readFileSync(join(manifests, "compose.yaml"), "utf8")
      .replace("postgres://app:secret@database/app", await postgres.createDatabase())
      .replace("image: my-app", "image: initkit:shell");
    writeFileSync(join(folder, "compose.yaml"), file);
    const app = { network_mode: "host", entrypoint: ["touch", "/out/started"], volumes: ["./out:/out"] };
    const services = { init: { network_mode: "host" }, app };
    writeFileSync(join(folder, "surroundings.yaml"), JSON.stringify({ services }));
    const mark = join(folder, "out/started");
    rmSync(mark, { force: true });
    const log = await compose("up", "--no-color", "--force-recreate");
    return { log, appStarted: existsSync(mark) };
  }

  test("does not start the application where a migration fails", async () => {
    const { log, appStarted } = await up("create table users (id bigint, id bigint);");
    assert.match(log, /exit(ed with code)? 22\b/);
    assert.equal(appStarted, false, log);
  });

  test("starts the application when the migrations are applied", async () => {
    const { log, appStarted } = await up("create table users (id bigint primary key);");
    assert.match(log, /"event":"run.done"/);
    assert.equal(appStarted, true, log);
  });
});
