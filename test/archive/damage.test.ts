import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { tar } from "../helpers/archives.ts";
import { runTask } from "../helpers/run-task.ts";
import { temporary } from "../helpers/temporary.ts";
import { isInstalled } from "./decoders.ts";

/** Characters without any order, which a decoder can neither pass over nor take for one another. */
function text(bytes: number): Buffer {
  const pieces = Array.from({ length: Math.ceil(bytes / 44) }, (_, index) =>
    createHash("sha256").update(String(index)).digest("base64"),
  );
  return Buffer.from(pieces.join("")).subarray(0, bytes);
}

/** Several times what is read at once, compressed too. */
const archive = tar(
  ...Array.from({ length: 10 }, (_, index) => ({ name: `app/${index}`, content: text(100_000) })),
  { name: "app/large", content: text(1_800_000) },
);

const packedBy = (name: string) => (bytes: Buffer) =>
  execFileSync(name, ["-c"], { input: bytes, maxBuffer: 2 ** 30 });

const formats: Readonly<Record<string, (bytes: Buffer) => Buffer>> = {
  gz: (bytes) => gzipSync(bytes),
  zst: (bytes) => zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } }),
  xz: packedBy("xz"),
  bz2: packedBy("bzip2"),
};

const programs: Readonly<Record<string, string>> = { xz: "xz", bz2: "bzip2" };
const isMissing = (format: string): boolean => format in programs && !isInstalled(programs[format]!);

async function extractedExitCode(t: TestContext, packed: Buffer): Promise<unknown> {
  const home = temporary(t);
  const path = join(home, "archive");
  writeFileSync(path, packed);
  const { failure } = await runTask("extract", [path, join(home, "dest")]);
  assert.deepEqual(readdirSync(home), ["archive"]);
  return failure?.exitCode;
}

for (const [format, pack] of Object.entries(formats)) {
  test(`${format}: damage that is read ahead of what is unpacked is found, and nothing is published`, async (t) => {
    if (isMissing(format)) return t.skip("needs the program that makes the archive");
    const packed = pack(archive);
    for (const at of [600_000, packed.length - 300_000]) {
      const damaged = Buffer.from(packed);
      damaged.fill(0xff, at, at + 64);
      assert.equal(await extractedExitCode(t, damaged), 21, `at ${at} of ${packed.length}`);
    }
  });

  test(`${format}: an archive that is cut off after what is read ahead is found so, and nothing is published`, async (t) => {
    if (isMissing(format)) return t.skip("needs the program that makes the archive");
    const packed = pack(archive);
    for (const length of [600_000, packed.length - 1])
      assert.equal(await extractedExitCode(t, packed.subarray(0, length)), 21, `${length}`);
  });
}
