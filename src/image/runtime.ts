import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
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
  const folder = join(code, "..");
  const assets = { parts: join(folder, "parts"), places: join(folder, "places") };
  writeFileSync(assets.places, JSON.stringify(writeParts(assets.parts, code)));
  const config = join(folder, "runtime.json");
  const main = join(import.meta.dirname, "loader.cjs");
  writeFileSync(config, JSON.stringify({ ...settings, main, executable, output, assets }));
  // The seed orders the compiled code of the loader; what runs later draws its own.
  execFileSync(process.execPath, ["--random-seed=1", "--build-sea", config], {
    stdio: ["ignore", "ignore", "inherit"],
  });
}

/** Where a part stands, and how many bytes its text has and, right behind it, its compiled code. */
type Place = readonly [at: number, length: number, codeLength: number];

/** Writes all parts one behind the other, each with the code that there is for it. */
function writeParts(output: string, code: string): Readonly<Record<string, Place>> {
  const places: Record<string, Place> = {};
  const pieces: Buffer[] = [];
  let end = 0;
  for (const name of readdirSync(parts).toSorted()) {
    const text = readFileSync(join(parts, name));
    const compiled = existsSync(join(code, name)) ? readFileSync(join(code, name)) : Buffer.alloc(0);
    places[name] = [end, text.length, compiled.length];
    pieces.push(text, compiled);
    end += text.length + compiled.length;
  }
  writeFileSync(output, Buffer.concat(pieces));
  return places;
}

if (import.meta.main) {
  const [node = "", output = ""] = process.argv.slice(2);
  await buildRuntime(node, output);
}
