import { chmodSync, cpSync, existsSync, lchownSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startPostgres } from "../helpers/postgres.ts";

/**
 * A PostgreSQL whose data is kept in `folder` between runs. The server works on a copy elsewhere: where this is
 * root it runs as nobody, and nobody may be unable to reach the folder.
 */
export async function openDatabase(folder: string): Promise<AsyncDisposable & { url: string }> {
  const postgres = await startPostgres(existsSync(folder) ? { dataDir: checkOut(folder) } : { keep: true });
  return {
    url: postgres.url,
    async [Symbol.asyncDispose]() {
      await postgres.stop();
      rmSync(folder, { recursive: true, force: true });
      cpSync(postgres.dataDir, folder, { recursive: true });
      rmSync(dirname(postgres.dataDir), { recursive: true });
    },
  };
}

function checkOut(folder: string): string {
  const home = mkdtempSync(join(tmpdir(), "initkit-demo-"));
  const dataDir = join(home, "data");
  chmodSync(home, 0o755);
  cpSync(folder, dataDir, { recursive: true });
  if (process.getuid?.() === 0) giveToNobody(dataDir);
  return dataDir;
}

function giveToNobody(folder: string): void {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  for (const path of ["", ...paths]) lchownSync(join(folder, path), 65534, 65534);
}
