import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { tar } from "../../helpers/archives.ts";
import { files } from "../../helpers/file-server.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import type { Scene, World } from "./scene.ts";

/** Makes the scene of a step. */
export type Play = (world: World) => Scene | Promise<Scene>;

export const listens: Play = (world) => ({ arrives: () => world.listen("db", 5432) });

export const databaseStarts: Play = async (world) => ({
  env: { DATABASE_URL: await world.databaseUrl() },
  arrives: () => world.startDatabase(),
});

export const answers =
  (status: number): Play =>
  (world) => ({
    arrives: () => world.serve("auth", 8080, (_, response) => response.writeHead(status).end()),
  });

export const makes =
  (path: string, content: string): NonNullable<Scene["leaves"]> =>
  (at) =>
    assert.equal(readFileSync(at(path), "utf8"), content);

/** A file of https://example.com is downloaded into a volume. */
export const downloads =
  (served: Readonly<Record<string, string | Buffer>>, volume: string, name: string, content: string): Play =>
  async (world) => {
    await world.serve("example.com", 443, files(served));
    return { ...world.trust, volumes: { [volume]: {} }, leaves: makes(`${volume}/${name}`, content) };
  };

/** A template is filled in for `HOST`; `${PATH}` is the application's own. */
export const renders = (path: string, marks: string, filled: string): Play => {
  const [, folder, name] = /^(.*)\/(.*)$/.exec(path)!;
  return () => ({
    env: { HOST: "example.com" },
    mounts: { "/templates": { [name!]: marks } },
    volumes: { [folder!]: {} },
    leaves: makes(path, filled),
  });
};

/** A database in which a tool has applied the first two of four files. */
export const goesOnAfter =
  (tool: "flyway" | "goose"): Play =>
  async (world) => {
    const setup = foreignSetups[tool];
    const url = await world.databaseUrl();
    await world.query(url, setup.history);
    await world.startDatabase();
    return {
      env: { DATABASE_URL: url },
      mounts: { "/migrations": filesOf(setup) },
      leaves: async () =>
        assert.deepEqual(await world.tables(url), [setup.table, "initkit_migrations", "t3", "t4"].toSorted()),
    };
  };

/** An archive with `data-1.0/table.csv` in it. */
export const archive = gzipSync(tar({ name: "data-1.0/table.csv", content: "a,b\n" }));

/** The application's own program leaves its arguments and `MODE` in `/app/done`. */
export const runsManage = (done: string): Scene => ({
  image: "initkit:shell",
  options: ["--workdir=/app"],
  volumes: { "/app": { "manage.py": "#!/bin/sh\necho $* $MODE >done\n" } },
  leaves: makes("/app/done", done),
});

const parameter = "/proc/sys/vm/max_map_count";

export const raisesParameter: Play = ({ t }) => {
  const before = readFileSync(parameter, "utf8");
  t.after(() => writeFileSync(parameter, before));
  return {
    options: ["--privileged", "--user=0:0"],
    leaves: () => assert.ok(Number(readFileSync(parameter, "utf8")) >= 262_144),
  };
};
