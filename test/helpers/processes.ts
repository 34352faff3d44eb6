import { existsSync, readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";

/** Waits until a file holds a whole line, and answers it. */
export async function lineIn(path: string): Promise<string> {
  while (!existsSync(path) || !readFileSync(path, "utf8").includes("\n")) await setTimeout(5);
  return readFileSync(path, "utf8").trim();
}

/** Whether a process still runs, and does not only wait for somebody to notice that it has ended. */
export function isRunning(id: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${id}/status`, "utf8"));
  } catch {
    return false;
  }
}
