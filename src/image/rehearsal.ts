import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";

/** Of each part the functions that were called, in order: the offsets in its text where they start. */
export type Called = Readonly<Record<string, readonly number[]>>;

/** Lets an executable of initkit do typical steps, and tells which functions they have called. */
export async function rehearse(runtime: string): Promise<Called> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-rehearsal-"));
  const server = createServer(artifacts(folder)).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const coverage = join(folder, "coverage");
  const run = async (args: readonly string[], steps = "", expected = 0) => {
    const env = { NODE_V8_COVERAGE: coverage, INITKIT_STEPS: steps };
    const { exitCode, stderr } = await ended(runtime, args, env);
    if (exitCode !== expected) throw new Error(`initkit ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  };
  try {
    await run(["--version"]);
    await run(["wait-for", `http://127.0.0.1:${port}/ready`, `tcp://127.0.0.1:${port}`, "--timeout", "1m"]);
    await run(["run", "--", process.execPath, "--version"]);
    // The server is no database, but what asks it for one is called.
    const database = `postgres://user@127.0.0.1:${port}/name?sslmode=disable`;
    await run(["migrate", join(folder, "template"), "--database", database, "--retries", "0"], "", 12);
    // The second time, all is as it should be.
    for (let round = 0; round < 2; round++) await run([], steps(folder, port));
    return calledIn(coverage);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
}

const steps = (folder: string, port: number): string => `
steps:
  - wait-for: http://127.0.0.1:${port}/
    timeout: 1m
  - mkdir: ${folder}/data
    mode: "750"
  - write: ${folder}/data/file
    content: text
  - link: [file, ${folder}/data/link]
  - render: ${folder}/template
    to: ${folder}/data/rendered
  - download: http://127.0.0.1:${port}/archive.tar.gz
    to: ${folder}/data/archive.tar.gz
  - download: http://127.0.0.1:${port}/archive.tar.gz
    to: ${folder}/data/tree
    extract: true
    checksum: http://127.0.0.1:${port}/SHA256SUMS
  - extract: ${folder}/data/archive.tar.gz
    to: ${folder}/data/extracted
  - copy: ${folder}/data/tree
    to: ${folder}/data/copied
  - permissions: ${folder}/data/copied
    mode: u=rwX,g=rX,o=
  - run: [${process.execPath}, --version]
`;

/** An archive, its digest, and an application that is ready at the second question. */
function artifacts(folder: string): RequestListener {
  const tree = join(folder, "source");
  mkdirSync(join(tree, "folder"), { recursive: true });
  writeFileSync(join(tree, "folder/file"), "text");
  writeFileSync(join(folder, "template"), "${NAME:-text}");
  const archive = join(folder, "archive.tar.gz");
  execFileSync("tar", ["-C", tree, "-czf", archive, "folder"]);
  const digest = execFileSync("sha256sum", ["archive.tar.gz"], { cwd: folder });
  let questions = 0;
  return ({ url }, response) => {
    if (url === "/ready") response.statusCode = questions++ === 0 ? 503 : 200;
    response.setHeader("ETag", '"1"');
    response.end(url === "/archive.tar.gz" ? readFileSync(archive) : digest);
  };
}

async function ended(runtime: string, args: readonly string[], env: Record<string, string>) {
  const child = spawn(runtime, ["initkit", ...args], { env, stdio: ["ignore", "ignore", "pipe"] });
  const [stderr, [exitCode]] = await Promise.all([text(child.stderr), once(child, "close")]);
  return { exitCode, stderr };
}

/** What Node writes where NODE_V8_COVERAGE says: a file for each process. */
interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly { readonly startOffset: number; readonly count: number }[];
    }[];
  }[];
}

function calledIn(folder: string): Called {
  const runs = readdirSync(folder).map((name): Coverage =>
    JSON.parse(readFileSync(join(folder, name), "utf8")),
  );
  const scripts = Map.groupBy(
    runs.flatMap(({ result }) => result),
    ({ url }) => url,
  );
  const parts = [...scripts].filter(([url]) => !/^(?:file|node):/.test(url));
  return Object.fromEntries(parts.map(([url, results]) => [url, startsOfCalled(results)]));
}

function startsOfCalled(results: Coverage["result"]): number[] {
  // The first range is the whole function, the others are parts of it.
  const wholes = results.flatMap(({ functions }) => functions.map(({ ranges: [whole] }) => whole!));
  const starts = wholes.filter(({ count }) => count > 0).map(({ startOffset }) => startOffset);
  return [...new Set(starts)].toSorted((a, b) => a - b);
}
