/**
 * The README's example on this machine: an embedded PostgreSQL and a small artifact server on loopback, and
 * the real entry point with its steps from variables. What it makes stays in .demo/, or in the folder that is
 * named, so that a second run finds it done.
 */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { $ } from "zx";
import { serveArtifact } from "./artifact.ts";
import { openDatabase } from "./database.ts";
import { writeMigrations } from "./migrations.ts";
import { showTables, showTree } from "./show.ts";

const root = join(import.meta.dirname, "../..");
const folder = process.argv[2] ?? join(root, ".demo");
const entry = join(root, "dist/initkit.cjs");

async function demo(): Promise<number> {
  mkdirSync(folder, { recursive: true });
  const migrations = writeMigrations(join(folder, "migrations"));
  await using artifact = await serveArtifact();
  await using database = await openDatabase(join(folder, "postgres"));
  const models = join(folder, "models");
  const exitCode = await runInitkit({
    DATABASE_URL: database.url,
    INITKIT_LOG_FORMAT: "text",
    INITKIT_STEP_10_WAIT: `wait-for "\${DATABASE_URL}" ${artifact.origin}/healthz --timeout 1m`,
    INITKIT_STEP_20_MODEL: `{download: "${artifact.url}", to: "${models}", sha256: ${artifact.sha256}, extract: true}`,
    INITKIT_STEP_30_SCHEMA: `migrate "${migrations}"`,
    INITKIT_STEP_40_OWN: `permissions "${models}" --mode u=rwX,g=rX,o=`,
  });
  showTree(models);
  await showTables(database.url);
  console.log(`\nexit code: ${exitCode}`);
  return exitCode;
}

async function runInitkit(env: Record<string, string>): Promise<number> {
  for (const [name, value] of Object.entries(env)) console.log(`${name}=${value}`);
  console.log("\n$ initkit");
  const options = { env: { PATH: process.env["PATH"], ...env }, stdio: "inherit", nothrow: true } as const;
  return (await $(options)`${process.execPath} ${entry}`).exitCode ?? 1;
}

process.exitCode = await demo();
