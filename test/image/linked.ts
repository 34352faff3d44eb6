import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type Elf, readElf } from "./elf.ts";

const machines: Readonly<Record<string, string>> = { amd64: "x86_64", arm64: "aarch64" };

/**
 * Asserts that the programs and libraries of an image, whose files stand in a folder, find all that they ask for
 * among each other, and nothing elsewhere.
 * @param architecture in the words of images
 */
export function assertLinked(folder: string, architecture: string): void {
  const libraries = elfFiles(folder, "initkit/lib");
  const programs = elfFiles(folder, "initkit/bin");
  assert.deepEqual([...programs.keys()].toSorted(), ["dumb-init", "runtime"]);
  for (const [name, { machine, needed }] of [...libraries, ...programs]) {
    assert.equal(machine, machines[architecture], name);
    assert.deepEqual(
      needed.filter((library) => !libraries.has(library)),
      [],
      name,
    );
  }
  for (const [name, { interpreter, rpath }] of programs) {
    assert.ok(
      libraries.has(/^\/initkit\/lib\/([^/]+)$/.exec(interpreter!)?.[1] ?? ""),
      `${name}: ${interpreter}`,
    );
    assert.equal(rpath, "$ORIGIN/../lib", name);
  }
}

/** By name; a script is none. */
function elfFiles(folder: string, below: string): Map<string, Elf> {
  const names = readdirSync(join(folder, below)).filter((name) => name !== "initkit");
  return new Map(names.map((name) => [name, readElf(join(folder, below, name))]));
}
