import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { buildImages, buildStage, podmanSays } from "./podman.ts";

const root = join(import.meta.dirname, "../..");
const sources = [
  ".dockerignore",
  ".npmrc",
  "Dockerfile",
  "LICENSE",
  "build.mjs",
  "package-lock.json",
  "package.json",
  "src",
  "tasks",
];
const again = "localhost/initkit-built-again";

before(buildImages);

const folder = mkdtempSync(join(tmpdir(), "initkit-again-"));
after(async () => {
  rmSync(folder, { recursive: true });
  await podmanSays("image", "unmount", buildStage);
  await podmanSays("image", "rm", "--force", again);
});

test("who builds the same sources in another place gets the same files", async () => {
  for (const name of sources) cpSync(join(root, name), join(folder, name), { recursive: true });
  // No layer that was made of the sources counts, but the packages that are installed before need not be again.
  writeFileSync(join(folder, "src/again"), "");
  await podmanSays("build", "--network", "host", "--target", "build", "--tag", again, folder);
  const first = await podmanSays("image", "mount", buildStage);
  const second = await podmanSays("image", "mount", again);
  assert.deepEqual(digests(join(second, "image")), digests(join(first, "image")));
});

/** The SHA-256 of each file below a folder. */
function digests(folder: string): Record<string, string> {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  const paths = files.map((entry) => join(entry.parentPath, entry.name));
  return Object.fromEntries(
    paths.map((path) => [
      path.slice(folder.length),
      createHash("sha256").update(readFileSync(path)).digest("hex"),
    ]),
  );
}
