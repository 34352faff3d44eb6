import { spawn } from "node:child_process";
import { once } from "node:events";

/** Counts the calls that change a file system, and dies before the one that the number is of. */
const dying = `
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  let left = Number(process.env.KILLED_AT);
  const die = () => left-- === 0 && process.kill(process.pid, "SIGKILL");
  for (const name of ["mkdirSync", "renameSync", "unlinkSync"]) {
    const call = fs[name];
    fs[name] = (...args) => { die(); return call(...args); };
  }
  syncBuiltinESMExports();
`;

/**
 * Runs the text of a module in a process that is killed right before its n-th change of a file system (0 is the
 * first). Answers false where it got to its end before that.
 */
export async function killedAt(n: number, module: string): Promise<boolean> {
  const child = spawn(process.execPath, ["--input-type=module", "--eval", `${dying}\n${module}`], {
    env: { KILLED_AT: String(n) },
    stdio: ["ignore", "inherit", "inherit"],
  });
  const [exitCode, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
  if (signal !== "SIGKILL" && exitCode !== 0) throw new Error(`the process ended with ${exitCode ?? signal}`);
  return signal === "SIGKILL";
}
