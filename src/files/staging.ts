import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { now, pause } from "../deadline.ts";
import { quote } from "../format.ts";
import { diskFailure } from "./disk.ts";
import { inFolder, openFolder, procPath } from "./handle.ts";
import { keepParts } from "./parts.ts";

/** How often a run shows that it is alive, and after how much silence it is taken for dead, in milliseconds. */
const beatMs = 2000;
const deadAfterMs = 10_000;

const stagingName = /^\.initkit-([0-9a-f]{12})-([0-9]+)-([0-9]+)-[0-9a-f]{8}$/;

/**
 * A new folder that only this process uses and only its user may enter, removed with all that is left in it.
 * @param parent a folder on the volume that the result is to be moved to
 * @throws Failure where the folder cannot be made
 */
export async function withStaging<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = makeStaging(parent);
  const beat = setInterval(() => showLife(folder), beatMs);
  try {
    return await use(folder);
  } finally {
    clearInterval(beat);
    await removeTree(folder);
  }
}

function makeStaging(parent: string): string {
  const folder = join(parent, `.initkit-${self()}-${hex(Math.random() * 2 ** 32, 8)}`);
  try {
    mkdirSync(folder, 0o700);
    return folder;
  } catch (error) {
    throw diskFailure(`cannot write to ${quote(parent)}`, error, parent);
  }
}

/** Gives the folder a new time by the clock of the file system, which the other nodes that mount it see too. */
function showLife(folder: string): void {
  try {
    mkdirSync(join(folder, "alive"));
    rmdirSync(join(folder, "alive"));
  } catch {
    // A full volume: the next write tells.
  }
}

/**
 * Removes what runs that were killed have left in a folder, but for parts that a later run may go on with. What a
 * living run is using stays: in this container a process is looked up; one in another container or on another node is
 * alive while it shows life.
 */
export async function sweep(parent: string, signal: AbortSignal): Promise<void> {
  for (const folder of stagingFolders(parent)) {
    if (!(await isAbandoned(folder, signal))) continue;
    keepParts(folder);
    await removeTree(folder);
  }
}

function stagingFolders(parent: string): string[] {
  try {
    return readdirSync(parent)
      .filter((name) => stagingName.test(name))
      .map((name) => join(parent, name));
  } catch {
    return [];
  }
}

async function isAbandoned(folder: string, signal: AbortSignal): Promise<boolean> {
  const owner = lstatSync(folder, { throwIfNoEntry: false });
  if (!owner?.isDirectory() || owner.uid !== process.geteuid!()) return false;
  const [, system, pid, start] =
    stagingName.exec(folder.slice(dirname(folder).length).replace(/^\/+/, "")) ?? [];
  return system === pidSpace() ? startOf(pid!) !== start : await hasGoneSilent(folder, owner.mtimeMs, signal);
}

async function hasGoneSilent(folder: string, since: number, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const latest = lstatSync(folder, { throwIfNoEntry: false })?.mtimeMs;
    const current = clockOf(dirname(folder));
    if (latest !== since || current === undefined) return false;
    if (current - latest > deadAfterMs) return true;
    await pause(beatMs / 2, signal);
  }
}

/** What time it is for the file system that a folder is on; undefined where nothing can be written there. */
function clockOf(parent: string): number | undefined {
  try {
    const probe = makeStaging(parent);
    const { mtimeMs } = lstatSync(probe);
    rmdirSync(probe);
    return mtimeMs;
  } catch {
    return undefined;
  }
}

/** This process, in a way that no other one will ever share. */
const self = (): string => `${pidSpace()}-${process.pid}-${startOf("self") ?? 0}`;

/**
 * Process ids mean the same wherever this is the same: one PID namespace of one boot of a node. A boot has a random
 * number, its namespaces have numbers one after the other.
 */
function pidSpace(): string {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const [namespace] = /[0-9]+/.exec(readlinkSync("/proc/self/ns/pid"))!;
    return hex((Number.parseInt(boot.slice(-12), 16) + Number(namespace)) % 2 ** 48, 12);
  } catch {
    return hex(0, 12);
  }
}

const hex = (number: number, digits: number): string => Math.floor(number).toString(16).padStart(digits, "0");

/** When a process was started, in clock ticks since the boot (proc_pid_stat(5)); undefined where there is none. */
function startOf(pid: string): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ");
    return fields[0] === "Z" ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Removes a folder of this process's user with all in it, folders without any permission too; never fails. */
async function removeTree(folder: string): Promise<void> {
  try {
    const descriptor = openFolder(folder);
    try {
      if (fstatSync(descriptor).uid === process.geteuid!()) await empty(descriptor, { at: now() });
    } finally {
      closeSync(descriptor);
    }
    rmdirSync(folder);
  } catch {
    // It is swept by the next run.
  }
}

/** Each folder by its name in the open one above, so that no link is followed that somebody swaps in. */
async function empty(folder: number, breath: { at: number }): Promise<void> {
  for (const entry of readdirSync(procPath(folder), { withFileTypes: true, encoding: "buffer" })) {
    const path = inFolder(folder, entry.name);
    if (entry.isDirectory()) {
      await emptyBelow(path, breath);
      rmdirSync(path);
    } else unlinkSync(path);
    if (now() - breath.at > 50) {
      await setImmediate();
      breath.at = now();
    }
  }
}

async function emptyBelow(path: Buffer, breath: { at: number }): Promise<void> {
  const folder = openFolder(path);
  try {
    chmodSync(procPath(folder), 0o700);
    await empty(folder, breath);
  } finally {
    closeSync(folder);
  }
}
