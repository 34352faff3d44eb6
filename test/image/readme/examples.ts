import assert from "node:assert/strict";
import { readlinkSync } from "node:fs";
import { modesIn } from "../../helpers/tree.ts";
import { archive, downloads, makes, type Play, raisesParameter, renders, runsManage } from "./plays.ts";

/** Each step in the list of the tasks. */
export const examples: Readonly<Record<string, Play>> = {
  "wait-for postgres://db http://auth:8080/healthz --timeout 5m": (world) => ({
    async arrives() {
      await world.startDatabase();
      await world.serve("auth", 8080, (_, response) => response.end());
    },
  }),
  "download https://example.com/model.tar.gz /models --extract": downloads(
    { "/model.tar.gz": archive },
    "/models",
    "data-1.0/table.csv",
    "a,b\n",
  ),
  "extract /archives/site.tar.gz /site --strip 1": () => ({
    volumes: { "/archives": { "site.tar.gz": archive }, "/site": {} },
    leaves: makes("/site/table.csv", "a,b\n"),
  }),
  "migrate /migrations --database ${DATABASE_URL}": async (world) => {
    const url = await world.databaseUrl();
    return {
      env: { DATABASE_URL: url },
      mounts: { "/migrations": { "1_users.sql": "create table users (id bigint);" } },
      arrives: () => world.startDatabase(),
      leaves: async () => assert.deepEqual(await world.tables(url), ["initkit_migrations", "users"]),
    };
  },
  "permissions /data --mode u=rwX,g=rX,o=": () => ({
    volumes: { "/data": { "sub/file": "" } },
    leaves: (at) => assert.deepEqual(modesIn(at("/data")), { ".": "750", sub: "750", "sub/file": "750" }),
  }),
  "mkdir /data/cache /data/spool --mode 0750": () => ({
    volumes: { "/data": {} },
    leaves(at) {
      for (const name of ["cache", "spool"]) assert.equal(modesIn(at("/data"))[name], "750");
    },
  }),
  "copy /defaults /config --no-overwrite": () => ({
    mounts: { "/defaults": { "a.conf": "default", "b.conf": "default" } },
    volumes: { "/config": { "a.conf": "own" } },
    leaves(at, log) {
      makes("/config/a.conf", "own")(at, log);
      makes("/config/b.conf", "default")(at, log);
    },
  }),
  "write /config/stage --content production": () => ({
    volumes: { "/config": {} },
    leaves: makes("/config/stage", "production"),
  }),
  "render /templates /config": renders("/config/app.conf", "host = ${HOST}\n", "host = example.com\n"),
  "link releases/2 /data/current": () => ({
    volumes: { "/data": { "releases/2/index.html": "" } },
    leaves: (at) => assert.equal(readlinkSync(at("/data/current")), "releases/2"),
  }),
  "remove /data/app.pid /data/cache/*": () => ({
    volumes: { "/data": { "app.pid": "1", "cache/a": "", "cache/b/c": "" } },
    leaves: (at) => assert.deepEqual(Object.keys(modesIn(at("/data"))), [".", "cache"]),
  }),
  "sysctl vm.max_map_count=262144 --at-least": raisesParameter,
  "run -- ./manage.py check": () => runsManage("check\n"),
  "sleep 2s": () => ({
    leaves: (_, log) => assert.ok(Number(/"step\.done".*"durationMs":(\d+)/.exec(log)?.[1]) >= 2000, log),
  }),
};
