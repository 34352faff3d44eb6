import { chmodSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { buildImages, type Container, startInitkit } from "../image/podman.ts";
import { memoryOf } from "./measure.ts";
import { insideMs } from "./pod-play.ts";
import { isThere } from "./waiter.ts";

export interface Limited {
  readonly title: string;
  /** What follows `initkit download`, for a path that does not exist yet. */
  readonly args: (to: string) => readonly string[];
}

/** Downloads to the disk in containers that may use 64 MiB, page cache included; more than that would end them. */
export async function printLimited(downloads: readonly Limited[]): Promise<void> {
  if (!isThere("podman")) {
    console.log("\nnothing is downloaded within 64 MiB, for podman is not installed");
    return;
  }
  await buildImages();
  console.log(`\ndownloads within 64 MiB, to the disk${"wall ms".padStart(15)}${"peak MB".padStart(9)}`);
  for (const { title, args } of downloads) {
    const { wallMs, peakMb } = await measure(args);
    console.log(`${title.padEnd(42)}${wallMs.toFixed(0).padStart(9)}${peakMb.toFixed(1).padStart(9)}`);
  }
}

async function measure(args: Limited["args"]): Promise<{ wallMs: number; peakMb: number }> {
  const folder = mkdtempSync(join(tmpdir(), "initkit-bench-"));
  const out = join(folder, "out");
  mkdirSync(out);
  chmodSync(out, 0o777);
  try {
    const options = ["--network=host", `--volume=${out}:/out`];
    await using container = await startInitkit(["download", ...args("/out/new")], options);
    const ended = container.ended();
    const peakMb = await peakOf(container, ended);
    const exitCode = await ended;
    if (exitCode !== 0) throw new Error(`initkit ended with ${exitCode}: ${await container.logs()}`);
    return { wallMs: await insideMs(container.id), peakMb };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The most that its processes have had of their own; files that they have mapped or written are in memory only as it suits. */
async function peakOf(container: Container, ended: Promise<unknown>): Promise<number> {
  const pid = Number(await container.inspect("{{.State.Pid}}"));
  let [kilobytes, isOver] = [0, false];
  void ended.then(() => (isOver = true));
  while (!isOver) {
    kilobytes = Math.max(kilobytes, memoryOf(pid, "RssAnon"));
    await setTimeout(5);
  }
  return kilobytes / 1024;
}
