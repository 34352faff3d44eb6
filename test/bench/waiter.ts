import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** A program that waits for a TCP port of this machine. */
export interface WaitingTool {
  readonly name: string;
  /** What to install to have it. */
  readonly install: string;
  /** A path, or a name to look up in PATH. */
  readonly program: string;
  /** Program and arguments; the program may need an interpreter before it. */
  readonly command: (port: number) => readonly string[];
}

const root = join(import.meta.dirname, "../..");
const bundle = join(root, "dist/initkit.cjs");
const waitOn = join(root, "node_modules/wait-on/bin/wait-on");

const loop = (look: string): string => `until ${look}; do busybox sleep 1; done`;

export const waitingTools: readonly WaitingTool[] = [
  {
    name: "initkit",
    install: "it by npm run build",
    program: bundle,
    command: (port) => [process.execPath, bundle, "wait-for", `tcp://127.0.0.1:${port}`, "--timeout", "1m"],
  },
  {
    name: "wait-on",
    install: "npm's wait-on",
    program: waitOn,
    command: (port) => [process.execPath, waitOn, `tcp:127.0.0.1:${port}`],
  },
  {
    name: "wait-for-it",
    install: "Debian's wait-for-it",
    program: "wait-for-it",
    command: (port) => ["wait-for-it", `127.0.0.1:${port}`, "-t", "60", "-q"],
  },
  {
    name: "busybox, nc and sleep 1",
    install: "Debian's busybox",
    program: "busybox",
    // The nc of Debian's busybox has no -z; `-e` connects, and `true` hangs up.
    command: (port) => ["busybox", "sh", "-c", loop(`busybox nc 127.0.0.1 ${port} -e busybox true`)],
  },
];

export const isInstalled = ({ program }: WaitingTool): boolean => isThere(program);

/** @param program a path, or a name to look up in PATH */
export function isThere(program: string): boolean {
  if (program.includes("/")) return existsSync(program);
  return process.env["PATH"]!.split(delimiter).some((folder) => existsSync(join(folder, program)));
}

export interface Waiter extends Disposable {
  /** When it ended, on the clock of `performance.now()`. Rejects where it ended with anything but 0. */
  readonly ended: Promise<number>;
  isRunning(): boolean;
  /** What it and all processes that it started have spent until now. */
  cpuMs(): number;
}

const running = new Set<Disposable>();
process.once("exit", () => running.forEach((waiter) => waiter[Symbol.dispose]()));
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => process.exit(1));

/** Starts it in a session of its own: that holds all its processes, while a tool may make several process groups. */
export function startWaiter({ name, command }: WaitingTool, port: number): Waiter {
  const [program, ...args] = command(port);
  const child = spawn(program!, args, {
    env: { PATH: process.env["PATH"], INITKIT_LOG_LEVEL: "error" },
    stdio: "ignore",
    detached: true,
    timeout: 90_000,
    killSignal: "SIGKILL",
  });
  const session = child.pid!;
  const isRunning = () => child.exitCode === null && child.signalCode === null;
  const ended = once(child, "exit").then(([code, signal]: unknown[]) => {
    const endedAt = performance.now();
    if (code !== 0) throw new Error(`${name} ended with ${String(code ?? signal)}`);
    return endedAt;
  });
  // Whoever stops it early does not ask how it ended.
  ended.catch(() => {});
  const waiter = {
    ended,
    isRunning,
    cpuMs: () => processesOf(session).reduce((sum, each) => sum + ownCpuMs(each.pid) + each.reapedMs, 0),
    [Symbol.dispose]() {
      endSession(session);
      running.delete(waiter);
    },
  };
  running.add(waiter);
  return waiter;
}

/** Again and again, because a shell may start another process meanwhile. */
function endSession(session: number): void {
  for (;;) {
    const alive = processesOf(session).filter(({ state }) => state !== "Z");
    if (alive.length === 0) return;
    for (const { pid } of alive) ifThere(() => process.kill(pid, "SIGKILL"));
  }
}

interface Process {
  readonly pid: number;
  readonly state: string;
  readonly session: number;
  /** CPU of its children that are over, and of theirs. */
  readonly reapedMs: number;
}

function processesOf(session: number): Process[] {
  const pids = readdirSync("/proc").filter((name) => /^[0-9]+$/.test(name));
  return pids
    .flatMap((pid) => ifThere(() => readProcess(Number(pid))) ?? [])
    .filter((each) => each.session === session);
}

const msPerTick = 10;

function readProcess(pid: number): Process {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name before may hold blanks and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const reapedMs = (Number(fields[13]) + Number(fields[14])) * msPerTick;
  return { pid, state: fields[0]!, session: Number(fields[3]), reapedMs };
}

/** To the nanosecond, where `stat` counts in ticks. */
function ownCpuMs(pid: number): number {
  const threads = ifThere(() => readdirSync(`/proc/${pid}/task`)) ?? [];
  const spent = threads.map((thread) =>
    ifThere(() => readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8")),
  );
  return spent.reduce((sum, text) => sum + Number(text?.split(" ")[0] ?? 0) / 1e6, 0);
}

/** Undefined where the process is over meanwhile. */
function ifThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
