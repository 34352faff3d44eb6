import { lstatSync, readdirSync } from "node:fs";
import { join, relative } from "node:path";
import pg from "pg";

/** Prints a tree as `find -printf '%M %s %P'` would. */
export function showTree(folder: string): void {
  console.log(`\n${folder}`);
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  for (const path of paths) {
    const { mode, size } = lstatSync(join(folder, path));
    console.log(
      `  ${(mode & 0o7777).toString(8).padStart(4, "0")} ${String(size).padStart(7)} ${relative(".", path)}`,
    );
  }
}

/** Prints the tables of the public schema with their number of rows. */
export async function showTables(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public' order by 1",
    );
    console.log("\ntables");
    for (const { name } of rows) {
      const { rows: counted } = await client.query<{ n: string }>(
        `select count(*) as n from ${client.escapeIdentifier(name)}`,
      );
      console.log(`  ${name.padEnd(20)} ${counted[0]!.n} rows`);
    }
  } finally {
    await client.end();
  }
}
