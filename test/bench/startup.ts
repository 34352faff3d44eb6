import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";

const node = process.execPath;
const bundle = join(import.meta.dirname, "../../dist/initkit.cjs");

/** Start-up and peak memory of whole processes, against bare node on an empty file. */
export async function startup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-bench-"));
  const server = await startServer(folder);
  try {
    const empty = join(folder, "empty.cjs");
    writeFileSync(empty, "");
    printRatios("start-up (medians of 15)", compare(subjects(empty, server.port), 15));
  } finally {
    server.stop();
    rmSync(folder, { recursive: true });
  }
}

function subjects(empty: string, port: number): Subject[] {
  const initkit = (...args: string[]): Subject => ({
    name: `initkit ${args.join(" ")}`.replace(/127.0.0.1:\d+/, "…"),
    command: [node, bundle, ...args],
  });
  return [
    { name: "node, an empty file", command: [node, empty] },
    initkit("--version"),
    initkit("run", "--", "true"),
    initkit("wait-for", `tcp://127.0.0.1:${port}`),
    initkit("wait-for", `http://127.0.0.1:${port}/`),
  ];
}

/** In a process of its own, so that measuring, which blocks, does not keep it from answering. */
async function startServer(folder: string): Promise<{ port: number; stop(): void }> {
  const script = join(folder, "server.mjs");
  writeFileSync(
    script,
    `import { createServer } from "node:http";
     const server = createServer((_, response) => response.end("ok")).listen(0, "127.0.0.1", () => console.log(server.address().port));`,
  );
  const child = spawn(node, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(port), stop: () => child.kill() };
}
