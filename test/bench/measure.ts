import { spawn, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setImmediate } from "node:timers/promises";

/** One whole process, from outside: CPU in milliseconds (user and system, children included), peak memory in MB. */
export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly peakMb: number;
}

export interface Subject {
  readonly name: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Programs that it calls besides the first word of its command. */
  readonly needs?: readonly string[];
  /** Runs before each measurement and is no part of it. */
  readonly before?: () => void | Promise<void>;
}

/** Medians of each subject. They run in turn, so that a machine whose speed drifts treats all of them alike. */
export async function compare(
  subjects: readonly Subject[],
  rounds: number,
): Promise<ReadonlyMap<string, Sample>> {
  const samples = new Map<string, Sample[]>(subjects.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const subject of subjects) {
      await subject.before?.();
      const time = measureTime(subject);
      await subject.before?.();
      const sample = { ...time, peakMb: await measurePeak(subject) };
      if (round >= 0) samples.get(subject.name)!.push(sample);
    }
  }
  return new Map([...samples].map(([name, all]) => [name, medianOf(all)]));
}

/** bash's `time` knows the CPU of a child, and of its children, to the millisecond. */
function measureTime({ name, command, env }: Subject): Omit<Sample, "peakMb"> {
  const script = 'TIMEFORMAT="%R %U %S"; time "$@" >/dev/null 2>&1';
  const timed = spawnSync("bash", ["--norc", "-c", script, "bench", ...command], {
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env["PATH"], ...env },
  });
  if (timed.status !== 0) throw new Error(`${name} ended with ${timed.status}`);
  const [wall, user, system] = timed.stderr.toString().trim().split(" ").map(Number) as [
    number,
    number,
    number,
  ];
  return { wallMs: wall * 1000, cpuMs: (user + system) * 1000 };
}

/** A second run. The kernel tells the highest resident size of a process for as long as it is there. */
async function measurePeak({ command: [program, ...args], env }: Subject): Promise<number> {
  const child = spawn(program!, args, { env: { PATH: process.env["PATH"], ...env }, stdio: "ignore" });
  let [kilobytes, isOver] = [0, false];
  child.once("exit", () => (isOver = true));
  while (!isOver) {
    kilobytes = Math.max(kilobytes, memoryOf(child.pid!, "VmHWM"));
    await setImmediate();
  }
  return kilobytes / 1024;
}

/** What a line of proc_pid_status(5) says of a process and of all that it has started and that still runs, in kB. */
export function memoryOf(pid: number, field: "VmHWM" | "RssAnon"): number {
  try {
    const line = new RegExp(`^${field}:\\s+([0-9]+)`, "m");
    const own = line.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0;
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    return children.filter(Boolean).reduce((sum, child) => sum + memoryOf(Number(child), field), Number(own));
  } catch {
    return 0;
  }
}

function medianOf(samples: readonly Sample[]): Sample {
  const median = (values: number[]): number => values.sort((a, b) => a - b)[Math.floor(values.length / 2)]!;
  return {
    wallMs: median(samples.map(({ wallMs }) => wallMs)),
    cpuMs: median(samples.map(({ cpuMs }) => cpuMs)),
    peakMb: median(samples.map(({ peakMb }) => peakMb)),
  };
}

/** A table with the ratio of each subject's CPU to that of the first. */
export function printRatios(title: string, results: ReadonlyMap<string, Sample>): void {
  const [base] = results.values();
  console.log(`\n${title}`);
  console.log(
    `${"".padEnd(34)}${"CPU ms".padStart(8)}${"ratio".padStart(8)}${"wall ms".padStart(9)}${"peak MB".padStart(9)}${"+MB".padStart(6)}`,
  );
  for (const [name, { cpuMs, wallMs, peakMb }] of results) {
    const ratio = (cpuMs / base!.cpuMs).toFixed(2);
    const more = (peakMb - base!.peakMb).toFixed(1);
    console.log(
      `${name.padEnd(34)}${cpuMs.toFixed(0).padStart(8)}${ratio.padStart(8)}${wallMs.toFixed(0).padStart(9)}${peakMb.toFixed(1).padStart(9)}${more.padStart(6)}`,
    );
  }
}
