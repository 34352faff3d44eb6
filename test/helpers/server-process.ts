import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./peers.ts";

/** A real server in a process of its own, with a folder for its files. It can be stopped and started again. */
export interface ServerProcess extends AsyncDisposable {
  readonly port: number;
  readonly folder: string;
  /** All that it has printed. */
  log(): string;
  /** Starts it (again), and waits for nothing. */
  start(): void;
  /** Ends it with this signal, SIGTERM by default, and waits for its end. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export interface ServerCommand {
  /** Program and arguments. */
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** For a server that refuses to run as root; without root it runs as whoever runs the test. */
  readonly uid?: number;
}

/**
 * Starts a server that runs in the foreground.
 * @param make says how, for a free port and a folder of its own
 */
export async function startServer(
  make: (port: number, folder: string) => ServerCommand | Promise<ServerCommand>,
): Promise<ServerProcess> {
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), "initkit-server-"));
  const { command, env = {}, uid } = await make(port, folder);
  const isRoot = process.getuid!() === 0;
  const user = uid !== undefined && isRoot ? { uid, gid: uid } : {};
  if (uid !== undefined && isRoot) chownSync(folder, uid, uid);
  let output = "";
  let child: ChildProcess | undefined;
  const server: ServerProcess = {
    port,
    folder,
    log: () => output,
    start() {
      const [program, ...args] = command;
      child = spawn(program!, args, {
        cwd: folder,
        env: { PATH: `${process.env["PATH"]}:/usr/sbin`, HOME: folder, ...env },
        stdio: ["ignore", "pipe", "pipe"],
        detached: true,
        ...user,
      });
      child.on("error", (error) => (output += `${error.message}\n`));
      for (const stream of [child.stdout!, child.stderr!])
        stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    },
    async stop(signal = "SIGTERM") {
      if (!child || child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
      const ended = once(child, "close");
      process.kill(-child.pid, signal);
      await ended;
    },
    async [Symbol.asyncDispose]() {
      await server.stop("SIGKILL");
      rmSync(folder, { recursive: true, force: true });
    },
  };
  server.start();
  return server;
}
