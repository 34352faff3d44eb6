import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** A mount as kubelet makes it, files by their paths: links to a folder that it turns in one step. */
export function mountConfigMap(folder: string, files: Readonly<Record<string, string>>): void {
  const version = "..2026_11_25_03_35_01.1234567890";
  fill(join(folder, version), files);
  symlinkSync(version, join(folder, "..data"));
  for (const name of new Set(Object.keys(files).map((each) => each.split("/")[0]!))) {
    symlinkSync(`..data/${name}`, join(folder, name));
  }
}

/** Writes files by their paths below a folder. */
export function fill(folder: string, files: Readonly<Record<string, string | Buffer>>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
}
