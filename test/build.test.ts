import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import {
  accessSync,
  constants,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import type { Metafile } from "esbuild";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const bundle = join(dist, "initkit.cjs");
const readJson = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const metafile: Metafile = readJson(join(dist, "meta.json"));
const tasks = readdirSync(join(root, "tasks")).map((file) => `tasks/${file}`);

/** Bytes in the bundle, rounded up to a whole kB. They only ever go down; a new package gets a row of its own. */
const budget: Record<string, number> = {
  initkit: 715_000,
  pg: 101_000,
  undici: 192_000,
  yaml: 163_000,
  yauzl: 36_000,
  zx: 68_000,
};
const wholeBudget = 1_270_000;

/** The packages that came with one that was asked for. */
const broughtBy: Record<string, string> = {
  pend: "yauzl",
  "pg-cloudflare": "pg",
  "pg-connection-string": "pg",
  "pg-int8": "pg",
  "pg-protocol": "pg",
  "pg-types": "pg",
  pgpass: "pg",
  "postgres-array": "pg",
  "postgres-bytea": "pg",
  "postgres-date": "pg",
  "postgres-interval": "pg",
  split2: "pg",
  xtend: "pg",
};

describe("what is loaded", () => {
  test("starting initkit loads no package and no task", () => {
    const loaded = staticallyReached("src/main.ts");
    assert.ok(loaded.includes("src/plan.ts"));
    assert.deepEqual(
      loaded.filter((path) => packageOf(path) !== undefined || path.startsWith("tasks/")),
      [],
    );
  });

  for (const task of tasks) {
    test(`${task} by itself loads no package and no other task`, () => {
      const loaded = staticallyReached(task);
      const others = loaded.filter((path) => path.startsWith("tasks/") && path !== task);
      assert.deepEqual([...others, ...loaded.filter((path) => packageOf(path) !== undefined)], []);
    });
  }

  let folder: string;
  const server = createServer((_, response) => response.end());
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "initkit-build-"));
    await once(server.listen(0, "127.0.0.1"), "listening");
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const heavy = [
    "child_process",
    "crypto",
    "dns",
    "fs/promises",
    "http",
    "http2",
    "https",
    "net",
    "stream",
    "tls",
    "tty",
    "zlib",
  ];
  const runs: { args: string[]; loads: string[] }[] = [
    { args: ["--version"], loads: [] },
    { args: ["check", "sleep", "1s"], loads: [] },
    { args: ["sleep", "1ms"], loads: [] },
    { args: ["permissions", bundle, "--mode", "755"], loads: [] },
    { args: ["link", "target", "a-link"], loads: [] },
    { args: ["write", "a-file"], loads: [] },
    { args: ["wait-for", "tcp://ADDRESS"], loads: ["net", "stream"] },
    { args: ["wait-for", "http://ADDRESS/"], loads: ["net", "stream"] },
  ];
  for (const { args, loads } of runs) {
    const line = args.join(" ").replace(bundle, "FILE");
    test(`${line} loads ${loads.join(", ") || "nothing heavy"} of Node`, async () => {
      const { port } = server.address() as AddressInfo;
      const words = args.map((word) => word.replace("ADDRESS", `127.0.0.1:${port}`));
      const loaded = await modulesLoadedBy(folder, words);
      assert.deepEqual(
        heavy.filter((name) => loaded.includes(name)),
        loads,
      );
    });
  }

  const again: { args: string[]; loads: string[] }[] = [
    { args: ["download", "file://SOURCE", "TO/file", "--sha256", "DIGEST"], loads: [] },
    {
      args: ["download", "file://SOURCE", "TO/tree", "--extract", "--sha256", "DIGEST"],
      loads: ["crypto", "stream", "zlib"],
    },
    { args: ["extract", "SOURCE", "TO/other"], loads: ["crypto", "stream", "zlib"] },
  ];
  for (const { args, loads } of again) {
    test(`${args.join(" ")}, where nothing is to do, loads ${loads.join(", ") || "nothing heavy"} of Node`, async () => {
      const source = join(folder, "source.gz");
      writeFileSync(source, gzipSync("content"));
      const sha256 = createHash("sha256").update(readFileSync(source)).digest("hex");
      const words = args.map((word) =>
        word.replace("SOURCE", source).replace("TO", folder).replace("DIGEST", sha256),
      );
      await modulesLoadedBy(folder, words);
      const loaded = await modulesLoadedBy(folder, words);
      assert.deepEqual(
        heavy.filter((name) => loaded.includes(name)),
        loads,
      );
    });
  }
});

describe("size", () => {
  const [{ inputs, bytes }] = Object.values(metafile.outputs) as [Metafile["outputs"][string]];

  test(`the bundle has at most ${wholeBudget / 1000} kB`, () => {
    assert.ok(bytes <= wholeBudget, `${bytes} bytes`);
  });

  const sizes = Map.groupBy(Object.entries(inputs), ([path]) => budgetRow(path));

  test("the budget has a row for everything in the bundle, and for nothing else", () => {
    assert.deepEqual([...sizes.keys()].toSorted(), Object.keys(budget).toSorted());
  });

  for (const [row, parts] of sizes) {
    test(`${row} keeps to its budget`, () => {
      const size = parts.reduce((sum, [, { bytesInOutput }]) => sum + bytesInOutput, 0);
      assert.ok(size <= (budget[row] ?? 0), `${size} bytes`);
    });
  }
});

describe("the executable", () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), "initkit-build-"))));
  after(() => rmSync(folder, { recursive: true }));

  test("runs anywhere, with nothing around it and nothing in its environment", async () => {
    const copy = join(folder, "moved");
    copyFileSync(bundle, copy);
    for (const path of [bundle, copy]) {
      const ended = await run([path, "--version"], folder);
      assert.deepEqual(ended, { exitCode: 0, stdout: `${version}\n`, stderr: "" });
    }
  });

  test("is executable and names its interpreter", () => {
    accessSync(bundle, constants.X_OK);
    assert.ok(readFileSync(bundle, "utf8").startsWith("#!/usr/bin/env node\n"));
  });

  test("is ASCII, which V8 keeps in one byte per character where anything else takes two", () => {
    assert.deepEqual(readFileSync(bundle, "utf8").match(/\P{ASCII}+/gu), null);
  });

  test("names its own functions in a stack trace", () => {
    assert.ok(readFileSync(bundle, "utf8").includes("function parseCommandLine("));
  });
});

test("the schema is JSON Schema 2020-12, refers only to itself, and knows every task", () => {
  const schema = readJson(join(dist, "schema.json"));
  assert.equal(schema.$schema, "https://json-schema.org/draft/2020-12/schema");
  const nodes = nodesOf(schema);
  for (const { $ref } of nodes) {
    if ($ref !== undefined) assert.ok(resolvePointer(schema, $ref), `${$ref} leads nowhere`);
  }
  for (const { type } of nodes) {
    if (type !== undefined)
      assert.deepEqual(
        [type].flat().filter((each) => !types.has(each)),
        [],
      );
  }
  for (const task of tasks) assert.ok(basename(task, ".ts") in schema.$defs, task);
});

const types = new Set(["array", "boolean", "integer", "null", "number", "object", "string"]);

const { version } = readJson(join(root, "package.json")) as { version: string };

/** The files that are evaluated with this one: its imports and theirs, but not what is imported lazily. */
function staticallyReached(entry: string): string[] {
  assert.ok(metafile.inputs[entry], `${entry} is not in the bundle`);
  const reached = new Set<string>();
  const visit = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const { path: next, kind, external } of metafile.inputs[path]!.imports) {
      if (!external && kind !== "dynamic-import") visit(next);
    }
  };
  visit(entry);
  return [...reached];
}

function packageOf(path: string): string | undefined {
  return /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function budgetRow(path: string): string {
  const name = packageOf(path) ?? "initkit";
  return broughtBy[name] ?? name;
}

/** Runs a file by Node in a folder, with an empty environment. */
async function run(args: readonly string[], cwd: string) {
  const child = spawn(process.execPath, args, { cwd, env: {}, stdio: ["ignore", "pipe", "pipe"] });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const [exitCode] = (await once(child, "close")) as [number | null];
  const [stdout, stderr] = await output;
  return { exitCode, stdout, stderr };
}

/** Node's public modules that a run of the bundle, which must succeed, loads. */
async function modulesLoadedBy(folder: string, args: readonly string[]): Promise<string[]> {
  const hook = join(folder, "hook.cjs");
  writeFileSync(hook, 'process.on("exit", () => console.error("LOADED " + process.moduleLoadList));');
  const { exitCode, stderr } = await run(["-r", hook, bundle, ...args], folder);
  assert.equal(exitCode, 0, stderr);
  const [, list = ""] = /^LOADED (.*)$/m.exec(stderr) ?? [];
  return list.split(",").flatMap((entry) => /^NativeModule (.*)$/.exec(entry)?.[1] ?? []);
}

/** A part of the schema. No option is called `type` or `$ref`. */
interface SchemaNode {
  readonly $ref?: string;
  readonly type?: string | string[];
}

function nodesOf(value: unknown): SchemaNode[] {
  if (typeof value !== "object" || value === null) return [];
  const children = Object.values(value).flatMap(nodesOf);
  return Array.isArray(value) ? children : [value, ...children];
}

function resolvePointer(schema: unknown, reference: string): unknown {
  assert.match(reference, /^#\//);
  const keys = reference.slice(2).split("/");
  return keys.reduce<unknown>((value, key) => (value as Record<string, unknown> | undefined)?.[key], schema);
}
