import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { entry } from "./initkit.ts";

/** What changes a file system, or is about to. */
const calls = [
  "openSync",
  "writeSync",
  "fsyncSync",
  "mkdirSync",
  "rmdirSync",
  "renameSync",
  "unlinkSync",
  "rmSync",
  "symlinkSync",
  "chmodSync",
  "fchmodSync",
  "futimesSync",
  "utimesSync",
];

/**
 * Dies right before the call with the number, or notes down all of them. What the loader opens has a URL; what is
 * downloaded is written by file handles.
 */
const preload = `
  import fs from "node:fs";
  import { syncBuiltinESMExports } from "node:module";
  const { KILLED_AT, CALLS } = process.env;
  const seen = [];
  const note = (call) => {
    if (seen.length === Number(KILLED_AT)) process.kill(process.pid, "SIGKILL");
    seen.push(call);
  };
  for (const name of ${JSON.stringify(calls)}) {
    const call = fs[name];
    fs[name] = (...args) => {
      if (!String(args[0]).startsWith("file:")) note(name + " " + args[0]);
      return call(...args);
    };
  }
  const handle = await fs.promises.open(process.execPath);
  const handles = Object.getPrototypeOf(handle);
  await handle.close();
  const { writev } = handles;
  handles.writev = function (...args) {
    note("writev " + this.fd);
    return writev.apply(this, args);
  };
  const write = fs.writeFileSync;
  if (CALLS) process.once("exit", () => write(CALLS, JSON.stringify(seen)));
  syncBuiltinESMExports();
`;
const options = ["--import", `data:text/javascript,${encodeURIComponent(preload)}`];

/** Where the start-up of one run leaves what the next ones need not compile again. */
const cacheIn = (folder: string) => ({ PATH: process.env["PATH"], NODE_COMPILE_CACHE: folder });

/**
 * What a run of the real entry point calls of the file system, in order: the name and the first argument of each call.
 * @param cache a folder for all runs of a test
 */
export async function callsOf(words: readonly string[], cache: string, list: string): Promise<string[]> {
  const env = { ...cacheIn(cache), CALLS: list };
  const child = spawn(process.execPath, [...options, entry, ...words], { env, stdio: "ignore" });
  const [exitCode] = (await once(child, "exit")) as [number | null];
  if (exitCode !== 0) throw new Error(`the run ended with ${exitCode}`);
  return JSON.parse(readFileSync(list, "utf8")) as string[];
}

/** Starts the real entry point, to be killed by the test or right before the call with that number. */
export function startDoomed(words: readonly string[], cache: string, killedAt?: number) {
  const env = { ...cacheIn(cache), ...(killedAt !== undefined && { KILLED_AT: String(killedAt) }) };
  return spawn(process.execPath, [...options, entry, ...words], { env, stdio: "ignore" });
}
