import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tarEnd, type TarEntry, tarEntry } from "../helpers/archives.ts";
import { buildImages, initkit } from "./podman.ts";

const entries = 100_000;
const perFolder = 100;

/** Names as long as those of real packages are. */
const nameOf = (index: number): string =>
  `application/modules/package-${Math.floor(index / perFolder)}/some-file-${index}.js`;

const kinds: Record<string, (index: number) => TarEntry> = {
  files: (index) => ({ name: nameOf(index), content: `content of ${index}` }),
  folders: (index) => ({ name: nameOf(index), type: "5", mode: 0o755, mtime: 1_700_000_000 + index }),
  links: (index) => ({ name: nameOf(index), type: "2", link: `some-file-${index + 1}.js` }),
  "files of one folder": (index) => ({ name: `folder/some-file-${index}.js`, content: String(index) }),
};

const home = mkdtempSync(join(tmpdir(), "initkit-memory-"));
before(async () => {
  chmodSync(home, 0o755);
  await buildImages();
});
after(() => rmSync(home, { recursive: true }));

describe("within 64 MiB", () => {
  for (const [what, entryOf] of Object.entries(kinds)) {
    test(`it extracts a tar.gz of 100,000 ${what}, and finds them there the next time`, async () => {
      const out = join(home, "out");
      mkdirSync(out);
      chmodSync(out, 0o777);
      const blocks = Array.from({ length: entries }, (_, index) => tarEntry(entryOf(index)));
      writeFileSync(join(home, "archive"), gzipSync(Buffer.concat([...blocks, tarEnd]), { level: 1 }));
      const run = () =>
        initkit(
          ["extract", "/home/archive", "/home/out"],
          ["--network", "none", "--volume", `${home}:/home`],
        );
      const first = await run();
      assert.equal(first.exitCode, 0, first.stderr);
      assert.equal(namesIn(out), entries);
      const second = await run();
      assert.equal(second.exitCode, 0, second.stderr);
      assert.match(second.stderr, /"event":"step.unchanged"/);
      rmSync(out, { recursive: true });
    });
  }
});

/** How many there are of the names that stand for an entry. */
const namesIn = (folder: string): number =>
  readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".js")).length;
