import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { constants, zstdCompressSync } from "node:zlib";
import { readElf } from "./elf.ts";
import { buildImages, podmanSays } from "./podman.ts";

/** In bytes, rounded up; they only ever go down. */
const budgets: Readonly<Record<string, Packed>> = {
  "the whole image": { gzip: 33_950_000, zstd: 32_050_000 },
  Node: { gzip: 30_300_000, zstd: 28_600_000 },
  "its libraries": { gzip: 2_280_000, zstd: 2_190_000 },
  "the bundle with its compiled code": { gzip: 1_160_000, zstd: 1_035_000 },
  "dumb-init": { gzip: 6_000, zstd: 6_000 },
  certificates: { gzip: 130_000, zstd: 130_000 },
  "licenses and the bill of materials": { gzip: 110_000, zstd: 75_000 },
};
/**
 * For all together that is neither Node nor a library of it, in zstd. Half of it is compiled code, without which
 * every step would begin later (`npm run bench startup`).
 */
const budgetOfTheRest = 1_236_000;

interface Packed {
  readonly gzip: number;
  readonly zstd: number;
}

before(buildImages);

describe("compressed", () => {
  const sizes: Record<string, Packed> = {};
  before(async () => {
    const mounted = await podmanSays("image", "mount", "initkit");
    const whole = run("tar", ["--directory", mounted, "--create", "."]);
    for (const [part, content] of [["the whole image", whole] as const, ...partsOf(mounted)]) {
      sizes[part] = packed(content);
    }
  });
  after(() => podmanSays("image", "unmount", "initkit"));

  for (const [part, budget] of Object.entries(budgets)) {
    test(`${part} keeps to the size of before`, (t) => {
      const { gzip, zstd } = sizes[part]!;
      t.diagnostic(`gzip ${gzip}, zstd ${zstd} bytes`);
      assert.ok(gzip <= budget.gzip, `gzip ${gzip}`);
      assert.ok(zstd <= budget.zstd, `zstd ${zstd}`);
    });
  }

  test("all but Node and its libraries keeps to the size of before", () => {
    const { "the whole image": _, Node: __, "its libraries": ___, ...rest } = sizes;
    const size = Object.values(rest).reduce((sum, { zstd }) => sum + zstd, 0);
    assert.ok(size <= budgetOfTheRest, `${size} bytes`);
  });
});

/** The bytes of each part; the names of users, and the headers that an archive has for each file, are in none. */
function partsOf(image: string): [string, Buffer][] {
  const runtime = join(image, "initkit/bin/runtime");
  const program = readFileSync(runtime);
  const bundle = readElf(runtime).section(".note.node.sea")!;
  const at = program.indexOf(bundle);
  return [
    ["Node", Buffer.concat([program.subarray(0, at), program.subarray(at + bundle.length)])],
    ["its libraries", contentOf(join(image, "initkit/lib"))],
    ["the bundle with its compiled code", bundle],
    ["dumb-init", contentOf(join(image, "initkit/bin/dumb-init"))],
    ["certificates", contentOf(join(image, "etc/ssl"))],
    ["licenses and the bill of materials", contentOf(join(image, "initkit/licenses"))],
  ];
}

/** Of a file, or of all the files below a folder. */
function contentOf(path: string): Buffer {
  if (!statSync(path).isDirectory()) return readFileSync(path);
  return Buffer.concat(
    readdirSync(path)
      .toSorted()
      .map((name) => contentOf(join(path, name))),
  );
}

/** What a registry keeps and a node pulls: about what podman and BuildKit make of it if they are told no level. */
function packed(content: Buffer): Packed {
  const params = { [constants.ZSTD_c_compressionLevel]: 3 };
  // Node's own gzip is faster and packs worse.
  return { gzip: run("gzip", ["-6"], content).length, zstd: zstdCompressSync(content, { params }).length };
}

function run(command: string, args: readonly string[], input?: Buffer): Buffer {
  return execFileSync(command, args, { input, maxBuffer: 1_000_000_000 });
}
