import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { isOnPath } from "./waiter.ts";

const bundle = join(import.meta.dirname, "../../dist/initkit.cjs");
/** In memory, where the disk has no say. */
const volume = "/dev/shm";
const rounds = 5;
const folders = 200;
const filesPerFolder = 100;

interface Format {
  readonly name: string;
  readonly compress: string;
  /** What busybox calls it; it knows no Zstandard. */
  readonly busybox?: string;
}

const formats: readonly Format[] = [
  { name: "tar.gz", compress: "gzip", busybox: "z" },
  { name: "tar.zst", compress: "zstd" },
];

/** Archives of 20,001 files, from a local file to tmpfs, against GNU tar and others. */
export async function extract(): Promise<void> {
  const folder = mkdtempSync(join(volume, "initkit-bench-"));
  try {
    makeFiles(join(folder, "source"));
    for (const format of formats) {
      const archive = join(folder, format.name);
      execFileSync("tar", ["-C", join(folder, "source"), "-I", format.compress, "-cf", archive, "."]);
      const subjects = subjectsFor(format, archive, join(folder, "out"));
      printRatios(
        `extraction of 20,001 files, ${format.name} (medians of ${rounds})`,
        await compare(subjects, rounds),
      );
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function subjectsFor({ name, compress, busybox }: Format, archive: string, out: string): Subject[] {
  const before = () => {
    rmSync(out, { recursive: true, force: true });
    mkdirSync(out);
  };
  const others: Subject[] = [
    { name: `GNU tar, ${name}`, command: ["tar", "-I", compress, "-xf", archive, "-C", out] },
    { name: `bsdtar, ${name}`, command: ["bsdtar", "-xf", archive, "-C", out] },
  ];
  if (busybox) {
    const command = ["busybox", "tar", `x${busybox}f`, archive, "-C", out];
    others.push({ name: `busybox tar, ${name}`, command });
  }
  const installed = others.filter(({ command }) => isOnPath(command[0]!));
  const own = { name: `initkit, ${name}`, command: [process.execPath, bundle, "extract", archive, out] };
  return [...installed, own].map((subject) => ({ ...subject, before }));
}

/** 20,000 small files and one of 20 MB, none of which repeats another. */
function makeFiles(folder: string): void {
  let seed = 1;
  const text = (words: number): string => {
    let result = "";
    for (let word = 0; word < words; word++) {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0;
      result += `${(seed >>> 8).toString(36)} `;
    }
    return result;
  };
  for (let at = 0; at < folders; at++) {
    const path = join(folder, `folder-${at}`);
    mkdirSync(path, { recursive: true });
    for (let file = 0; file < filesPerFolder; file++)
      writeFileSync(join(path, `file-${file}`), text(400 + (seed % 800)));
  }
  writeFileSync(join(folder, "large"), text(4_000_000));
}
