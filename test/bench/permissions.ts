import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { compare, printRatios, type Subject } from "./measure.ts";
import { inMemory, initkit, installed } from "./surroundings.ts";
import { makeTree } from "./tree.ts";

const rounds = 5;
const tree = { folders: 1000, filesPerFolder: 100, fileBytes: 16, largeBytes: 0 };
const mode = "u=rwX,g=rX,o=";

/** Owner and mode of 100,000 files, against chown and chmod, where all of them differ and where none does. */
export async function permissions(): Promise<void> {
  await using folder = inMemory();
  const path = join(folder.path, "tree");
  makeTree(path, tree);
  const isRoot = process.getuid!() === 0;
  if (!isRoot) console.log("owners are not measured, for that needs root");
  const subjects = installed(subjectsFor(path, isRoot));
  const spoil = () => {
    if (isRoot) execFileSync("chown", ["-R", "0:0", path]);
    execFileSync("chmod", ["-R", "u=rwX,go=", path]);
  };
  const title = `of 100,000 files (medians of ${rounds})`;
  const spoilt = subjects.map((subject) => ({ ...subject, before: spoil }));
  printRatios(`all permissions ${title}`, await compare(spoilt, rounds));
  printRatios(`no permissions, for all are right, ${title}`, await compare(subjects, rounds));
}

function subjectsFor(path: string, isRoot: boolean): Subject[] {
  const shell = (line: string) => ["sh", "-c", line];
  const owner = "1000:1000";
  const withTools = (prefix: string) =>
    shell(`${isRoot ? `${prefix}chown -R ${owner} ${path} && ` : ""}${prefix}chmod -R ${mode} ${path}`);
  const found = (type: string, bits: string) => `find ${path} -type ${type} -print0 | xargs -0 chmod ${bits}`;
  const idiom = [
    ...(isRoot ? [`find ${path} -print0 | xargs -0 chown ${owner}`] : []),
    found("d", "750"),
    found("f", "640"),
  ];
  const owned = isRoot ? ["--owner", owner] : [];
  return [
    { name: "chown -R, chmod -R (coreutils)", command: withTools("") },
    { name: "chown -R, chmod -R (busybox)", command: withTools("busybox "), needs: ["busybox"] },
    { name: "find | xargs", command: shell(idiom.join(" && ")), needs: ["find", "xargs"] },
    { name: "initkit", command: initkit("permissions", path, ...owned, "--mode", mode) },
  ];
}
