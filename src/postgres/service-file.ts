import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { quote } from "../format.ts";
import { errnoOf } from "../system-errors.ts";
import type { Environment } from "./settings-source.ts";
import type { Parameters } from "./uri.ts";

/**
 * The parameters that a service stands for (PostgreSQL manual, 32.17, the connection service file): in PGSERVICEFILE,
 * else in `.pg_service.conf` of the home folder, else in `pg_service.conf` below PGSYSCONFDIR.
 * @throws Error that completes the sentence "database …"
 */
export async function readService(name: string, env: Environment): Promise<Parameters> {
  for (const file of filesOf(env)) {
    const text = await readIfThere(file, file === env["PGSERVICEFILE"]);
    const found = text === undefined ? undefined : sectionIn(text, name, file);
    if (found) return found;
  }
  throw new Error(
    `names the service ${quote(name)}, which is in none of ${filesOf(env).map(quote).join(", ")}`,
  );
}

function filesOf(env: Environment): string[] {
  const own = env["PGSERVICEFILE"] || (env["HOME"] && join(env["HOME"], ".pg_service.conf"));
  return [...(own ? [own] : []), join(env["PGSYSCONFDIR"] || "/etc/postgresql-common", "pg_service.conf")];
}

async function readIfThere(file: string, required: boolean): Promise<string | undefined> {
  const needed = `needs the service file ${quote(file)}, which`;
  try {
    if ((await stat(file)).isFile()) return await readFile(file, "utf8");
  } catch (error) {
    if (!required && errnoOf(error) === "ENOENT") return undefined;
    throw new Error(`${needed} cannot be read: ${errnoOf(error)}`, { cause: error });
  }
  throw new Error(`${needed} is no plain file`);
}

function sectionIn(text: string, name: string, file: string): Parameters | undefined {
  const lines = text.split("\n").map((line) => line.trim());
  const start = lines.indexOf(`[${name}]`);
  if (start < 0) return undefined;
  const section = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    if (index <= start || line === "" || line.startsWith("#")) continue;
    if (line.startsWith("[")) break;
    const [key = "", value] = line.split(/=(.*)/s);
    if (value === undefined || key === "service")
      throw new Error(`needs the service file ${quote(file)}, whose line ${index + 1} is not NAME=VALUE`);
    if (!section.has(key)) section.set(key, value);
  }
  return section;
}
