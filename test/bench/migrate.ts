import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";
import { compare, printRatios, type Subject } from "./measure.ts";
import { inMemory, initkit, installed, node } from "./surroundings.ts";

const replicas = 20;
/** Where one run takes seconds, fewer have to do. */
const [manyRounds, fewRounds] = [5, 1];
const modules = join(import.meta.dirname, "../../node_modules");

/** The same migrations, once for each tool, as each wants them. */
interface Site {
  readonly folder: string;
  /** Each tool has a database of its own. */
  urlFor(tool: string): string;
  /** Makes the database of a tool new and empty. */
  empty(tool: string): Promise<void>;
}

/** Migrations of a real server, side by side with other tools: wall time counts here, for the server does the work. */
export async function migrate(): Promise<void> {
  await using home = inMemory();
  await using server = await startPostgres();
  const small = siteOf(server, home.path, "small", smallFiles(200));
  await print("200 small migrations", freshSubjects(small));
  await print("the same again, where nothing is pending", againSubjects(small));
  const large = siteOf(server, home.path, "large", [largeFile()]);
  await print("one migration of 10 MB", freshSubjects(large));
  const many = siteOf(server, home.path, "many", smallFiles(2000));
  await print("2,000 small migrations", freshSubjects(many), fewRounds);
  await print(`200 small migrations, ${replicas} replicas at once`, replicaSubjects(small), fewRounds);
}

async function print(title: string, subjects: readonly Subject[], rounds = manyRounds): Promise<void> {
  const told = rounds === 1 ? "one run each" : `medians of ${rounds}`;
  printRatios(`${title} (${told})`, await compare(installed(subjects), rounds));
}

const smallFiles = (number: number): string[] =>
  Array.from(
    { length: number },
    (_, n) => `create table t${n} (id int primary key, name text);\ncreate index on t${n} (name);\n`,
  );

function largeFile(): string {
  const rows = Array.from(
    { length: 100_000 },
    (_, n) => `insert into t values (${n}, '${"x".repeat(70)}');\n`,
  );
  return `create table t (id int, name text);\n${rows.join("")}`;
}

function siteOf(server: Postgres, home: string, name: string, files: readonly string[]): Site {
  const folder = join(home, name);
  for (const sub of ["initkit", "dbmate", "node-pg-migrate", "graphile/migrations/committed"])
    mkdirSync(join(folder, sub), { recursive: true });
  const put = (path: string, text: string) => writeFileSync(join(folder, path), text);
  let previous: string | undefined;
  for (const [n, sql] of files.entries()) {
    put(`initkit/${n + 1}_t.sql`, sql);
    put(`dbmate/${10_000 + n}_t.sql`, `-- migrate:up\n${sql}-- migrate:down\n`);
    put(`node-pg-migrate/${1_700_000_000_000 + n}_t.sql`, `-- Up Migration\n${sql}`);
    const hash = `sha1:${createHash("sha1")
      .update(`${`${previous ?? ""}\n${sql.trim()}`.trim()}\n`)
      .digest("hex")}`;
    const head = `--! Previous: ${previous ?? "-"}\n--! Hash: ${hash}\n\n`;
    put(`graphile/migrations/committed/${String(n + 1).padStart(6, "0")}.sql`, head + sql);
    previous = hash;
  }
  put("all.sql", files.map((sql) => `begin;\n${sql}commit;\n`).join(""));
  put("graphile/.gmrc", "{}");
  const databaseOf = (tool: string) => `${name}-${tool}`;
  return {
    folder,
    urlFor: (tool) => new URL(databaseOf(tool), server.url).href,
    async empty(tool) {
      const client = new pg.Client({ connectionString: server.url });
      await client.connect();
      await client.query(`drop database if exists "${databaseOf(tool)}" with (force)`);
      await client.query(`create database "${databaseOf(tool)}"`);
      await client.end();
    },
  };
}

type ToolName = "dbmate" | "psql" | "node-pg-migrate" | "graphile-migrate" | "initkit";

function toolsOn(site: Site, names: readonly ToolName[]): Subject[] {
  const [{ folder }, { execPath: node }] = [site, process];
  const dbmate = join(modules, "@dbmate/linux-x64/bin/dbmate");
  const graphile = `cd ${folder}/graphile && exec ${node} ${modules}/graphile-migrate/dist/cli.js migrate`;
  const commands: Record<ToolName, readonly string[]> = {
    dbmate: [dbmate, "-d", `${folder}/dbmate`, "--no-dump-schema", "up"],
    psql: ["psql", "-qX", "-v", "ON_ERROR_STOP=1", "-f", `${folder}/all.sql`, site.urlFor("psql")],
    "node-pg-migrate": [
      node,
      join(modules, "node-pg-migrate/bin/node-pg-migrate.js"),
      "up",
      "-m",
      `${folder}/node-pg-migrate`,
    ],
    "graphile-migrate": ["sh", "-c", graphile],
    initkit: initkit("migrate", `${folder}/initkit`),
  };
  return names.map((name) => ({
    name: name === "psql" ? "psql, without a history" : name,
    command: commands[name],
    env: { DATABASE_URL: `${site.urlFor(name)}?sslmode=disable` },
    before: () => site.empty(name),
  }));
}

const withHistory: readonly ToolName[] = ["dbmate", "node-pg-migrate", "graphile-migrate", "initkit"];

const freshSubjects = (site: Site): Subject[] => toolsOn(site, [...withHistory, "psql"]);

/** To be run where the tools have migrated their databases just before. */
function againSubjects(site: Site): Subject[] {
  const empty = join(site.folder, "empty.cjs");
  writeFileSync(empty, "");
  const bare = { name: "node, an empty file", command: [node, empty] };
  return [
    bare,
    ...toolsOn(site, withHistory).map(({ name, command, env }) => ({ name, command, env: env! })),
  ];
}

/** Some tools give up at once where another replica holds the lock: a replica counts as ended, however it ends. */
function replicaSubjects(site: Site): Subject[] {
  const line = `for i in $(seq ${replicas}); do "$@" & done; wait`;
  return toolsOn(site, withHistory).map((tool) => ({
    ...tool,
    command: ["sh", "-c", line, "sh", ...tool.command],
  }));
}
