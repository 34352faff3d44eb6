import assert from "node:assert/strict";
import { after, before } from "node:test";
import { replaces } from "../helpers/corpus.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let server: Postgres;
before(async () => {
  server = await startPostgres();
});
after(() => server.stop());

async function rows(url: string, query: string): Promise<unknown[]> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: query, rowMode: "array" })).rows.flat();
  } finally {
    await client.end();
  }
}

const host = () => `127.0.0.1:${server.port}`;

replaces(6, "a database that lets clients log in is waited for, with no password", async (pod) => {
  assert.deepEqual(await pod.run({ instead: { "postgres:5432": host() } }), ["done", "done"]);
});

replaces(16, "one file of SQL is applied, once", async (pod) => {
  const url = await server.createDatabase();
  pod.mount("/vault/userconfig/vault-storage-config", {
    "vault.sql": "create table vault_kv_store (path text primary key);",
  });
  assert.deepEqual(await pod.run({ env: { DATABASE_URL: url } }), ["done", "unchanged"]);
  assert.deepEqual(await rows(url, "select count(*)::int from vault_kv_store"), [0]);
});

replaces(251, "files with names as Flyway has them are applied in a schema of their own", async (pod) => {
  const url = new URL(await server.createDatabase());
  pod.file("/flyway/sql/V1.0.0__init.sql", "create table users (id int);");
  pod.file("/flyway/sql/V1.0.1__email.sql", "alter table users add email text;");
  const env = {
    POSTGRES_HOST: "127.0.0.1",
    POSTGRES_USER: "postgres",
    POSTGRES_DATABASE: url.pathname.slice(1),
  };
  const instead = { ":5432": `:${server.port}` };
  assert.deepEqual(await pod.run({ env, instead }), ["done done", "done unchanged"]);
  assert.deepEqual(await rows(url.href, "select count(email)::int from users.users"), [0]);
});

replaces(257, "a role, a database of its own and its rights are there", async (pod) => {
  const env = { DB_HOST: "127.0.0.1", DB_USERNAME: "arti-factory" };
  const [, second] = await pod.run({ env, instead: { ":5432": `:${server.port}` } });
  assert.equal(second, "done unchanged unchanged unchanged unchanged");
  const owner = "select pg_get_userbyid(datdba) from pg_database where datname = 'artifactory'";
  assert.deepEqual(await rows(server.url, owner), ["arti-factory"]);
  const own = `postgres://arti-factory:pw@${host()}/artifactory`;
  assert.deepEqual(await rows(own, "select current_user::text"), ["arti-factory"]);
});

replaces(400, "a login is waited for", async (pod) => {
  await rows(server.url, "create role concourse login password 'pw'");
  await server.createDatabase("concourse");
  const env = { POSTGRES_HOST: "127.0.0.1", POSTGRES_PORT: `${server.port}` };
  assert.deepEqual(await pod.run({ env }), ["done", "done"]);
});

replaces(400, "a wrong password ends the wait at once", async (pod) => {
  const env = { POSTGRES_HOST: "127.0.0.1", POSTGRES_PORT: `${server.port}`, POSTGRES_PASSWORD: "wrong" };
  await assert.rejects(pod.run({ env }), { code: "refused" });
});
