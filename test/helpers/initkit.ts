import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Ended {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** The JSON lines of standard error. */
  readonly events: readonly Record<string, any>[];
  readonly report: Record<string, any> | undefined;
}

export interface Options {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly input?: string | Uint8Array;
  readonly uid?: number;
  /** Called for every event as it comes. */
  readonly onEvent?: (event: Record<string, any>, process: import("node:child_process").ChildProcess) => void;
}

export const entry = join(import.meta.dirname, "../../src/main.ts");

/** Runs the real entry point, with JSON lines and a report, and waits for its end. */
export async function initkit(args: readonly string[], options: Options = {}): Promise<Ended> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-test-"));
  const reportPath = join(folder, "report.json");
  const child = spawn(process.execPath, [entry, ...args], {
    cwd: options.cwd,
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
    env: {
      PATH: process.env["PATH"],
      INITKIT_LOG_FORMAT: "json",
      ...(options.uid === undefined && { INITKIT_REPORT: reportPath }),
      ...options.env,
    },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}).end(options.input);
  const [stdout, stderr] = [collect(child.stdout), collect(child.stderr, (line) => notify(line))];
  const notify = (line: string) => {
    const event = parseEvent(line);
    if (event) options.onEvent?.(event, child);
  };
  const [exitCode, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.on("error", reject).on("close", (...ended) => resolve(ended));
  });
  const events = stderr()
    .split("\n")
    .flatMap((line) => parseEvent(line) ?? []);
  const report = readReport(reportPath);
  rmSync(folder, { recursive: true });
  return { exitCode, signal, stdout: stdout(), stderr: stderr(), events, report };
}

function collect(stream: NodeJS.ReadableStream, onLine: (line: string) => void = () => {}): () => string {
  let text = "";
  let rest = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
    const lines = (rest + chunk).split("\n");
    rest = lines.pop()!;
    lines.forEach(onLine);
  });
  return () => text;
}

function parseEvent(line: string): Record<string, any> | undefined {
  try {
    return line.startsWith("{") ? JSON.parse(line) : undefined;
  } catch {
    return undefined;
  }
}

function readReport(path: string): Record<string, any> | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8"));
  } catch {
    return undefined;
  }
}
