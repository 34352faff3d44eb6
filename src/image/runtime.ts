import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Called, rehearse } from "./rehearsal.ts";

// Makes the executable of the image out of Node and dist/parts:
//   node src/image/runtime.ts NODE OUTPUT
// V8 compiles a function when it is called for the first time, and most of what a step costs before it does anything
// is that. So the executable brings the compiled code of the functions that typical steps call. Which those are tells
// a rehearsal, with an executable that has no code yet; compile.ts then compiles just those, always in the same order,
// so that each build has the same bytes.

const root = join(import.meta.dirname, "../..");
const parts = join(root, "dist/parts");
const settings = JSON.parse(readFileSync(join(import.meta.dirname, "runtime.json"), "utf8"));

/** Writes an executable that runs initkit with its arguments after the first, on the given Node. */
export async function buildRuntime(node: string, output: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-runtime-"));
  const [code, called] = [join(folder, "code"), join(folder, "called.json")];
  mkdirSync(code);
  try {
    assemble(node, output, code);
    compile(node, code, called, await rehearse(output));
    assemble(node, output, code);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/**
 * V8 takes compiled code only where it runs with the options that the code was compiled with, but for those of the
 * garbage collector. That one reuses memory, and what was there before shows in gaps of the code: in one thread, with
 * one seed, it is always the same.
 */
function compile(node: string, code: string, list: string, called: Called): void {
  writeFileSync(list, JSON.stringify(called));
  execFileSync(node, [
    ...settings.execArgv,
    "--random-seed=1",
    "--single-threaded-gc",
    join(import.meta.dirname, "compile.ts"),
    parts,
    list,
    code,
  ]);
}

function assemble(executable: string, output: string, code: string): void {
  const assets = [
    ...readdirSync(parts).map((name) => [name, join(parts, name)]),
    ...readdirSync(code).map((name) => [`${name}.code`, join(code, name)]),
  ];
  const config = join(code, "../runtime.json");
  const main = join(import.meta.dirname, "loader.cjs");
  writeFileSync(
    config,
    JSON.stringify({ ...settings, main, executable, output, assets: Object.fromEntries(assets) }),
  );
  // The seed orders the compiled code of the loader; what runs later draws its own.
  execFileSync(process.execPath, ["--random-seed=1", "--build-sea", config], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

if (import.meta.main) {
  const [node = "", output = ""] = process.argv.slice(2);
  await buildRuntime(node, output);
}
