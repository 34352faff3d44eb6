import { execFileSync } from "node:child_process";
import { chownSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { type ServerProcess, startServer } from "./server-process.ts";

/** PostgreSQL and PgBouncer refuse to run as root. */
const uid = 65534;
const installed = "/usr/lib/postgresql";
const programs = (): string => join(installed, readdirSync(installed).toSorted().at(-1)!, "bin");

/** Debian's PostgreSQL, which trusts everybody. */
export async function startDebianPostgres(
  settings: Readonly<Record<string, string>> = {},
): Promise<ServerProcess> {
  const all = { fsync: "off", lc_messages: "C", log_error_verbosity: "terse", ...settings };
  const server = await startServer((port, folder) => {
    const data = ownFolder(folder, "data");
    const init = ["-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"];
    execFileSync(join(programs(), "initdb"), init, { cwd: folder, stdio: "ignore", ...user() });
    const options = Object.entries({ ...all, port: String(port), unix_socket_directories: folder });
    const args = options.flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    return { command: [join(programs(), "postgres"), "-D", data, ...args], uid };
  });
  await logged(server, /ready to accept connections/);
  return server;
}

/**
 * PgBouncer in front of a PostgreSQL on loopback.
 * @param databases lines of its section of that name; all databases by default
 */
export async function startPgBouncer(
  postgresPort: number,
  settings: Readonly<Record<string, string | number>>,
  databases = `* = host=127.0.0.1 port=${postgresPort}`,
): Promise<ServerProcess> {
  const server = await startServer((port, folder) => {
    const all = {
      listen_addr: "127.0.0.1",
      listen_port: port,
      unix_socket_dir: "",
      auth_type: "trust",
      auth_file: join(folder, "users"),
      ...settings,
    };
    const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`);
    writeFileSync(join(folder, "users"), '"postgres" ""\n');
    writeFileSync(join(folder, "ini"), ["[databases]", databases, "[pgbouncer]", ...lines, ""].join("\n"));
    return { command: ["pgbouncer", join(folder, "ini")], uid };
  });
  await logged(server, /process up/);
  return server;
}

/** Waits for what the server prints. */
async function logged(server: ServerProcess, pattern: RegExp): Promise<void> {
  while (!pattern.test(server.log())) await setTimeout(10);
}

const user = () => (process.getuid!() === 0 ? { uid, gid: uid } : {});

function ownFolder(folder: string, name: string): string {
  const path = join(folder, name);
  mkdirSync(path, { mode: 0o700 });
  if (process.getuid!() === 0) {
    chownSync(folder, uid, uid);
    chownSync(path, uid, uid);
  }
  return path;
}
