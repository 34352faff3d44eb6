import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { emptied, inMemory, initkit, installed, manyFiles } from "./surroundings.ts";
import { makeTree } from "./tree.ts";

const rounds = 5;

/** A copy of 20,001 files, against cp, into an empty folder and where all of it is there. */
export async function copy(): Promise<void> {
  await using folder = inMemory();
  const [from, to] = [join(folder.path, "from"), join(folder.path, "to")];
  makeTree(from, manyFiles);
  const subjects = installed(subjectsFor(from, to));
  const title = `copy of 20,001 files, 412 MB (medians of ${rounds})`;
  const fresh = subjects.map((subject) => ({ ...subject, before: emptied(to) }));
  printRatios(title, await compare(fresh, rounds));
  printRatios(`the same again, where all of it is there`, await compare(subjects, rounds));
}

const subjectsFor = (from: string, to: string): Subject[] => [
  { name: "cp -a", command: ["cp", "-a", `${from}/.`, to] },
  { name: "busybox cp -a", command: ["busybox", "cp", "-a", `${from}/.`, to] },
  { name: "rsync -a", command: ["rsync", "-a", `${from}/`, to] },
  { name: "initkit", command: initkit("copy", from, to) },
];
