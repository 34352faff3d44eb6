import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { tarEnd, tarEntry } from "../helpers/archives.ts";

const bundle = join(import.meta.dirname, "../../dist/initkit.cjs");
/** What the image gives itself in a container of 64 MiB. */
const heap = ["--max-old-space-size=32", "--min-semi-space-size=2", "--max-semi-space-size=2"];
const links = 100_000;
/** In memory, where the disk has no say in how long it takes. */
const volume = existsSync("/dev/shm") ? "/dev/shm" : tmpdir();

test("100,000 links, which are all made at the end, fit into the heap of a container of 64 MiB", async (t) => {
  const home = mkdtempSync(join(volume, "initkit-test-"));
  t.after(() => rmSync(home, { recursive: true }));
  const [archive, out] = [join(home, "archive"), join(home, "out")];
  const entries = Array.from({ length: links }, (_, index) => {
    const name = `application/modules/package-${index % 1000}/some-link-${index}`;
    return tarEntry({ name, type: "2", link: "the-target-of-it" });
  });
  writeFileSync(archive, gzipSync(Buffer.concat([...entries, tarEnd]), { level: 1 }));
  const child = spawn(process.execPath, [...heap, bundle, "extract", archive, out], { stdio: "ignore" });
  assert.deepEqual(await once(child, "exit"), [0, null]);
  const folder = join(out, "application/modules");
  const found = readdirSync(folder).flatMap((name) => readdirSync(join(folder, name)));
  assert.equal(found.length, links);
});
