import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import fc from "fast-check";
import { leadsOut } from "../../src/archive/links.ts";

let home: string;
let turn = 0;
before(() => void (home = realpathSync(mkdtempSync(join(tmpdir(), "initkit-links-")))));
after(() => rmSync(home, { recursive: true }));

/** A fresh `place/dest` with folders and files, and an empty tree. */
function setUp(existing: Readonly<Record<string, string>> = {}): { destination: string; tree: string } {
  const root = join(home, String(turn++));
  const [destination, tree] = [join(root, "place/dest"), join(root, "tree")];
  for (const folder of [join(destination, "d/e"), tree]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(root, "place/secret"), "");
  writeFileSync(join(destination, "d/f"), "");
  for (const [path, target] of Object.entries(existing)) symlinkSync(target, join(destination, path));
  return { destination, tree };
}

function judge(
  links: Readonly<Record<string, string>>,
  existing: Readonly<Record<string, string>> = {},
): boolean[] {
  const { destination, tree } = setUp(existing);
  const targets = new Map(
    Object.entries(links).map(([path, target]) => [path, target.replace("$DEST", destination)]),
  );
  return [...targets.keys()].map((path) => leadsOut(path, (each) => targets.get(each), tree, destination));
}

for (const [what, links, existing] of [
  ["a path below", { l: "d/e/f" }],
  ["a path that is not there", { l: "no/where" }],
  ["up, but not out", { "d/l": "../d/f" }],
  ["the folder itself", { "d/l": ".." }],
  ["an absolute path below", { l: "$DEST/d" }],
  ["another link that stays inside", { a: "d", b: "a/f" }],
  ["through a file", { l: "d/f/../x" }],
  ["a link that is there and stays inside", { l: "there/f" }, { there: "d" }],
  ["itself", { l: "l" }],
  ["a circle", { a: "b", b: "a" }],
  ["a circle through a folder and one that is there", { "d/a": "../there" }, { there: "d/a" }],
  ["a name that no file can have", { l: "x".repeat(300) }],
] as [string, Record<string, string>, Record<string, string>?][]) {
  test(`a link is let through that leads to ${what}`, () => {
    assert.ok(judge(links, existing).every((isOut) => !isOut));
  });
}

for (const [what, links, existing] of [
  ["up and out", { l: "../secret" }],
  ["up and out from below", { "d/l": "../../secret" }],
  ["an absolute path elsewhere", { l: "/etc/passwd" }],
  ["the root", { l: "/" }],
  ["a folder beside with the same beginning", { l: "$DEST-other/x" }],
  ["out through another link, though no name says so", { a: ".", b: "a/../secret" }],
  ["out through two other links", { "d/a": "e", "d/b": "a/..", c: "d/b/../../secret" }],
  ["out through an absolute path that climbs", { l: "$DEST/../secret" }],
  ["a link that is there and leads out", { l: "there/secret" }, { there: ".." }],
] as [string, Record<string, string>, Record<string, string>?][]) {
  test(`a link is stopped that leads to ${what}`, () => {
    assert.ok(judge(links, existing).some((isOut) => isOut));
  });
}

test("a circle that grows with each round is stopped, for nobody can tell where it ends", () => {
  assert.deepEqual(judge({ a: "a/../a/b" }), [true]);
});

test("no set of links that is let through leads out in the eyes of the kernel", () => {
  const names = ["a", "b", "c", "d/x", "d/e/y"];
  const step = fc.constantFrom("..", ".", "a", "b", "c", "d", "e", "x", "y", "f");
  const target = fc.array(step, { minLength: 1, maxLength: 6 }).map((steps) => steps.join("/"));
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), target), { minLength: 1, maxLength: 5 }),
      (pairs) => {
        const { destination, tree } = setUp();
        const links = new Map(pairs);
        if ([...links.keys()].some((path) => leadsOut(path, (each) => links.get(each), tree, destination)))
          return;
        for (const [path, to] of links) symlinkSync(to, join(destination, path));
        for (const path of links.keys()) {
          const real = whereIs(join(destination, path));
          assert.ok(
            real === undefined || `${real}/`.startsWith(`${destination}/`),
            `${path} leads to ${real}`,
          );
        }
      },
    ),
    { numRuns: 150 },
  );
});

function whereIs(path: string): string | undefined {
  try {
    return realpathSync.native(path);
  } catch {
    return undefined;
  }
}
