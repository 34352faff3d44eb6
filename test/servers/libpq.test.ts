import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { readDatabaseSettings } from "../../src/postgres/read-settings.ts";
import { openSession } from "../../src/postgres/open-session.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import type { Postgres } from "../helpers/postgres.ts";
import { startTlsPostgres } from "../helpers/tls-postgres.ts";

type Environment = Readonly<Record<string, string>>;

const authority = makeAuthority();
let pg: Postgres;
let folder: string;

before(async () => {
  pg = await startTlsPostgres(authority);
  folder = mkdtempSync(join(tmpdir(), "initkit-test-"));
  const client = issue({ name: "by_certificate", issuer: authority });
  const files = {
    ca: authority.cert,
    other: makeAuthority("other").cert,
    cert: client.cert,
    key: client.key,
  };
  for (const [name, text] of Object.entries(files))
    writeFileSync(join(folder, `${name}.pem`), text, { mode: 0o600 });
});
after(async () => {
  await pg.stop();
  rmSync(folder, { recursive: true });
});

const whoSql = `select concat_ws(' ', current_user, current_database(), ssl, current_setting('work_mem'))
  from pg_stat_ssl where pid = pg_backend_pid()`;
const nobody = "not let in";

/** Whom and where a URL leads us to. */
async function connect(url: string, env: Environment): Promise<string> {
  try {
    const settings = await readDatabaseSettings(url, env);
    const signal = AbortSignal.timeout(20_000);
    await using session = await openSession(settings, { env, signal, applicationName: "initkit" });
    return Object.values((await session.query(whoSql))[0]!).join();
  } catch {
    return nobody;
  }
}

/** The same with psql, which is libpq. */
async function connectPsql(url: string, env: Environment): Promise<string> {
  const { PATH = "" } = process.env;
  try {
    const words = ["-XAtw", "-c", whoSql, url];
    return (await promisify(execFile)("psql", words, { env: { PATH, ...env } })).stdout.trim();
  } catch {
    return nobody;
  }
}

async function isTheSame(parameters: string, { user = "postgres", host = "localhost", env = {} } = {}) {
  const url = `postgres://${user}@${host}:${pg.port}/postgres?${parameters.replaceAll("FILES", folder)}`;
  const ours = { HOME: folder, ...env };
  const [psql, initkit] = await Promise.all([connectPsql(url, ours), connect(url, ours)]);
  assert.equal(initkit, psql, `${url} ${JSON.stringify(env)}`);
  return psql;
}

test("every sslmode leads where it leads psql", async () => {
  const seen = new Set<string>();
  for (const mode of ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]) {
    for (const user of ["postgres", "with_tls", "without_tls"]) {
      for (const host of ["localhost", "127.0.0.1"]) {
        for (const root of ["", "&sslrootcert=FILES/ca.pem", "&sslrootcert=FILES/other.pem"])
          seen.add(await isTheSame(`sslmode=${mode}${root}`, { user, host }));
      }
    }
  }
  assert.equal(seen.size, 5);
});

test("certificates, passwords and the files and variables for them do what they do for psql", async () => {
  const secret = { mode: 0o600 };
  writeFileSync(join(folder, "pass"), `# x\n*:1:*:*:no\nlocalhost:${pg.port}:*:app:pass word\n`, secret);
  writeFileSync(join(folder, "escaped"), `localhost:*:post\\gres:\\app:pass\\ word\n`, secret);
  writeFileSync(join(folder, "open"), "*:*:*:*:pass word\n", { mode: 0o644 });
  writeFileSync(join(folder, "services"), "[s]\nuser=app\npassword=pass word\noptions=-c work_mem=5MB\n");
  const cases: readonly (readonly [parameters: string, user: string, env: Environment])[] = [
    ["sslmode=require&sslcert=FILES/cert.pem&sslkey=FILES/key.pem", "by_certificate", {}],
    ["sslmode=require", "by_certificate", {}],
    ["", "app", { PGPASSWORD: "pass word" }],
    ["", "app", {}],
    ["", "app:wrong", { PGPASSWORD: "pass word" }],
    ["", "app", { PGPASSFILE: join(folder, "pass") }],
    ["passfile=FILES/pass", "app", {}],
    ["", "app", { PGPASSFILE: join(folder, "escaped") }],
    ["", "app", { PGPASSFILE: join(folder, "open") }],
    ["service=s", "", { PGSERVICEFILE: join(folder, "services") }],
    ["service=t", "", { PGSERVICEFILE: join(folder, "services") }],
    ["channel_binding=require", "app:pass%20word", {}],
    ["channel_binding=require&sslmode=disable", "app:pass%20word", {}],
    ["channel_binding=require", "postgres", {}],
    ["options=-c%20work_mem%3D6MB", "postgres", { PGOPTIONS: "-c work_mem=7MB" }],
    ["", "postgres", { PGOPTIONS: "-c work_mem=7MB" }],
    ["dbname=template1", "postgres", {}],
    ["target_session_attrs=read-only", "postgres", {}],
    ["target_session_attrs=prefer-standby", "postgres", {}],
    ["hostaddr=127.0.0.1&sslmode=verify-full&sslrootcert=FILES/ca.pem", "postgres", {}],
    ["", "postgres", { PGSSLMODE: "disable" }],
    ["", "postgres", { PGCHANNELBINDING: "require" }],
    ["connect_timeout=x", "postgres", {}],
  ];
  const seen = new Set<string>();
  for (const [parameters, user, env] of cases) seen.add(await isTheSame(parameters, { user, env }));
  assert.equal(seen.size, 9);
});
