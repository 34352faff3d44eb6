import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";

/** All that is in a folder, to be compared: type, mode, time and content of each path. Records of initkit are left out. */
export function snapshot(folder: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of namesBelow(folder).toSorted()) {
    if (!isRecord(name)) found[name] = describe(join(folder, name));
  }
  return found;
}

const isRecord = (name: string): boolean => /(^|\/)(\.initkit\.json|\..*\.initkit\.json)$/.test(name);

function describe(path: string): string {
  const about = lstatSync(path);
  const mode = (about.mode & 0o7777).toString(8);
  if (about.isSymbolicLink()) return `link to ${readlinkSync(path)}`;
  if (about.isDirectory()) return `folder ${mode}`;
  return `file ${mode} ${Math.floor(about.mtimeMs / 1000)} ${readFileSync(path, "latin1")}`;
}

/** The names of what initkit has left besides its records, anywhere below a folder. */
export function debris(folder: string): string[] {
  return namesBelow(folder).filter((name) => name.includes("initkit") && !isRecord(name));
}

/** Node's own recursive listing follows links, round and round where they lead back. */
function namesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const below = entry.isDirectory() ? namesBelow(join(folder, entry.name)) : [];
    return [entry.name, ...below.map((name) => join(entry.name, name))];
  });
}
