import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { emptied, inMemory, initkit, installed, manyFiles } from "./surroundings.ts";
import { makeTree } from "./tree.ts";

const rounds = 5;

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
  await using folder = inMemory();
  makeTree(join(folder.path, "source"), manyFiles);
  for (const format of formats) {
    const archive = join(folder.path, format.name);
    execFileSync("tar", ["-C", join(folder.path, "source"), "-I", format.compress, "-cf", archive, "."]);
    const subjects = subjectsFor(format, archive, join(folder.path, "out"));
    const results = await compare(subjects, rounds);
    printRatios(`extraction of 20,001 files, 412 MB, ${format.name} (medians of ${rounds})`, results);
  }
}

function subjectsFor({ name, compress, busybox }: Format, archive: string, out: string): Subject[] {
  const others: Subject[] = [
    { name: `GNU tar, ${name}`, command: ["tar", "-I", compress, "-xf", archive, "-C", out] },
    { name: `bsdtar, ${name}`, command: ["bsdtar", "-xf", archive, "-C", out] },
  ];
  if (busybox) {
    const command = ["busybox", "tar", `x${busybox}f`, archive, "-C", out];
    others.push({ name: `busybox tar, ${name}`, command });
  }
  const own = { name: `initkit, ${name}`, command: initkit("extract", archive, out) };
  return [...installed(others), own].map((subject) => ({ ...subject, before: emptied(out) }));
}
