import assert from "node:assert/strict";
import { lstatSync } from "node:fs";
import { files } from "../../helpers/file-server.ts";
import { archive, goesOnAfter, makes, type Play, runsManage } from "./plays.ts";

/** Each document in the README, by its first line that is not `steps:`. */
export const documents: Readonly<Record<string, Play>> = {
  "timeout: 10m": async (world) => {
    const app = runsManage("check init\n");
    const url = await world.databaseUrl();
    await world.serve("example.com", 443, files({ "/model.tar.gz": archive }));
    await world.serve("auth", 8080, files({ "/healthz": "ok" }));
    return {
      ...app,
      env: { ...world.trust.env, DATABASE_URL: url },
      mounts: { ...world.trust.mounts, "/migrations": { "1_users.sql": "create table users (id bigint);" } },
      volumes: { "/models": {}, ...app.volumes },
      arrives: () => world.startDatabase(),
      async leaves(at, log) {
        makes("/models/data-1.0/table.csv", "a,b\n")(at, log);
        assert.equal(lstatSync(at("/models/data-1.0/table.csv")).mode & 0o777, 0o640);
        assert.deepEqual(await world.tables(url), ["initkit_migrations", "users"]);
        app.leaves!(at, log);
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
