import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildRuntime } from "../../src/image/runtime.ts";
import type { Subject } from "./measure.ts";
import type { TreeShape } from "./tree.ts";
import { isThere } from "./waiter.ts";

/** 20,001 files and 412 MB: about a folder of installed packages with one large library. */
export const manyFiles: TreeShape = {
  folders: 200,
  filesPerFolder: 100,
  fileBytes: 19_600,
  largeBytes: 20_000_000,
};

/** A folder in memory, where the disk has no say. */
export function inMemory(): { readonly path: string } & AsyncDisposable {
  const path = mkdtempSync("/dev/shm/initkit-bench-");
  return {
    path,
    async [Symbol.asyncDispose]() {
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** What makes a folder empty before each run. */
export const emptied = (folder: string) => (): void => {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
};

/** Those whose programs are there; the others are told, for nothing is left out in silence. */
export function installed(subjects: readonly Subject[]): Subject[] {
  const isComplete = ({ needs, command }: Subject) => [command[0]!, ...(needs ?? [])].every(isThere);
  for (const subject of subjects)
    if (!isComplete(subject)) console.log(`not measured, for it is not installed: ${subject.name}`);
  return subjects.filter(isComplete);
}

const programs = mkdtempSync(join(tmpdir(), "initkit-bench-"));
process.once("exit", () => rmSync(programs, { recursive: true }));
const runtime = join(programs, "runtime");
await buildRuntime(process.execPath, runtime);
/** This Node, in a copy, so that both programs have just been written. */
export const node = join(programs, "node");
copyFileSync(process.execPath, node);
for (const program of [runtime, node]) evict(program);

/** The command that runs initkit as the image does, with a runtime made from this Node as the Dockerfile makes it. */
export const initkit = (...args: string[]): readonly string[] => [runtime, "initkit", ...args];

/** A file just written stands in memory in large pieces, which all count as the memory of who maps a part of them. */
function evict(path: string): void {
  execFileSync("dd", [`of=${path}`, "oflag=nocache", "conv=notrunc,fdatasync", "count=0"], {
    stdio: "ignore",
  });
}
