import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { initkit } from "./surroundings.ts";

const node = process.execPath;
const root = join(import.meta.dirname, "../..");

/** Start-up and peak memory of whole processes, against bare node on an empty file. */
export async function startup(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-bench-"));
  const server = await startServer(folder);
  try {
    printRatios("start-up (medians of 15)", await compare(subjects(folder, server.port), 15));
  } finally {
    server.stop();
    rmSync(folder, { recursive: true });
  }
}

function subjects(folder: string, port: number): Subject[] {
  const [empty, spawning] = ["empty.cjs", "spawning.cjs"].map((name) => join(folder, name)) as [
    string,
    string,
  ];
  writeFileSync(empty, "");
  writeFileSync(spawning, 'require("node:child_process").spawn("true")');
  const image = initkit();
  const bundle = [node, join(root, "dist/initkit.cjs")];
  const steps = [
    ["--version"],
    ["run", "--", "true"],
    ["wait-for", `tcp://127.0.0.1:${port}`],
    ["wait-for", `http://127.0.0.1:${port}/`],
  ];
  const withSteps = (label: string, program: readonly string[]): Subject[] =>
    steps.map((args) => ({
      name: `${label} ${args.join(" ").replace(String(port), "N")}`,
      command: [...program, ...args],
    }));
  return [
    { name: "node, an empty file", command: [node, empty] },
    { name: "node, spawning true", command: [node, spawning] },
    ...withSteps("image:", image),
    ...withSteps("bundle:", bundle),
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
