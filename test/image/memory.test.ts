import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { tar, type TarEntry } from "../helpers/archives.ts";
import { buildImages, initkit } from "./podman.ts";

before(buildImages);

const folders = 300;
const entriesPerFolder = 99;

/** A folder, and of each ten names in it eight files, a hard link and a symbolic link. */
function entriesOf(folder: number): TarEntry[] {
  const path = (index: number) => `packages/folder-${folder}/file-${index}`;
  const entries = Array.from({ length: entriesPerFolder }, (_, index): TarEntry => {
    if (index % 10 === 8) return { name: path(index), type: "1", link: path(index - 1) };
    if (index % 10 === 9) return { name: path(index), type: "2", link: `file-${index - 2}` };
    return { name: path(index), content: `${folder} ${index}` };
  });
  return [{ name: `packages/folder-${folder}/`, type: "5", mode: 0o755 }, ...entries];
}

/** Generous, for what the kernel itself keeps of so many files counts too, and it takes that back piece by piece. */
const timeout = 300_000;

test("30,000 entries are downloaded and unpacked within 64 MiB", { timeout }, async () => {
  const folder = mkdtempSync(join(tmpdir(), "initkit-memory-"));
  const out = join(folder, "out");
  mkdirSync(out);
  chmodSync(out, 0o777);
  const archive = gzipSync(tar(...Array.from({ length: folders }, (_, index) => entriesOf(index)).flat()));
  const server = createServer((_, response) => void response.end(archive));
  await once(server.listen(0, "127.0.0.1"), "listening");
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/archive.tar.gz`;
    const sha256 = createHash("sha256").update(archive).digest("hex");
    const download = () =>
      initkit(
        ["download", url, "/out", "--extract", "--sha256", sha256],
        ["--network", "host", "--volume", `${out}:/out`],
      );
    const first = await download();
    assert.equal(first.exitCode, 0, first.stderr);
    const last = join(out, `packages/folder-${folders - 1}`);
    assert.equal(readFileSync(join(last, "file-97"), "utf8"), `${folders - 1} 97`);
    assert.equal(lstatSync(join(last, "file-98")).ino, lstatSync(join(last, "file-97")).ino);
    assert.equal(readlinkSync(join(last, "file-89")), "file-87");
    const second = await download();
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stderr, /unchanged/);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});
