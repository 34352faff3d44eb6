import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { initkit, node } from "./surroundings.ts";

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
  const steps: Readonly<Record<string, readonly string[]>> = {
    "--version": ["--version"],
    "run -- true": ["run", "--", "true"],
    "wait-for tcp": ["wait-for", `tcp://127.0.0.1:${port}`],
    "wait-for http": ["wait-for", `http://127.0.0.1:${port}/`],
  };
  const withSteps = (
    label: string,
    program: readonly string[],
    each: Readonly<Record<string, readonly string[]>>,
  ) =>
    Object.entries(each).map(([name, args]) => ({
      name: `${label} ${name}`,
      command: [...program, ...args],
    }));
  return [
    { name: "node, an empty file", command: [node, empty] },
    { name: "node, spawning true", command: [node, spawning] },
    ...withSteps("image:", initkit(), { ...steps, ...fileSteps(folder, port) }),
    ...withSteps("bundle:", [node, join(root, "dist/initkit.cjs")], steps),
  ];
}

/** A step of each other kind, which from the second time on finds its work done. */
function fileSteps(folder: string, port: number): Record<string, readonly string[]> {
  const [text, archive] = [join(folder, "text"), join(folder, "archive.tar.gz")];
  writeFileSync(text, "text");
  execFileSync("tar", ["-C", folder, "-czf", archive, "text"]);
  const to = (name: string) => join(folder, "made", name);
  return {
    sleep: ["sleep", "1ms"],
    mkdir: ["mkdir", to("folder")],
    write: ["write", to("written"), "--content", "text"],
    link: ["link", "written", to("link")],
    remove: ["remove", to("nothing")],
    copy: ["copy", text, to("copied")],
    render: ["render", text, to("rendered")],
    permissions: ["permissions", text, "--mode", "644"],
    extract: ["extract", archive, to("extracted")],
    "download a file": ["download", `file://${text}`, to("downloaded")],
    "download http": ["download", `http://127.0.0.1:${port}/`, to("fetched")],
  };
}

/** In a process of its own, so that measuring, which blocks, does not keep it from answering. */
async function startServer(folder: string): Promise<{ port: number; stop(): void }> {
  const script = join(folder, "server.mjs");
  writeFileSync(
    script,
    `import { createServer } from "node:http";
     const server = createServer(({ headers }, response) => {
       response.writeHead(headers["if-none-match"] ? 304 : 200, { ETag: '"1"' }).end(headers["if-none-match"] ? "" : "ok");
     }).listen(0, "127.0.0.1", () => console.log(server.address().port));`,
  );
  const child = spawn(node, [script], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(child.stdout, "data")) as [Buffer];
  return { port: Number(port), stop: () => child.kill() };
}
