import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { constants, gzipSync, zstdCompressSync } from "node:zlib";
import { contentOf } from "../../src/archive/decompress.ts";
import type { Compression } from "../../src/archive/format.ts";
import { isWholeFrames } from "../../src/archive/zstd-frames.ts";
import { temporary } from "../helpers/temporary.ts";

const integrity = { code: "integrity" };

async function decompressed(
  t: TestContext,
  bytes: Buffer,
  compression: Compression | undefined,
): Promise<Buffer> {
  const path = join(temporary(t), "file");
  writeFileSync(path, bytes);
  return Buffer.concat(
    await Array.fromAsync(
      contentOf(path, compression, () => {}),
      (chunk) => Buffer.from(chunk),
    ),
  );
}

const content = Buffer.concat([randomBytes(300_000), Buffer.alloc(700_000, "text "), randomBytes(100_000)]);
const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const engines = { gz: gzipSync, zst: (bytes: string | Buffer) => zstdCompressSync(bytes, checked) } as const;

for (const compression of ["gz", "zst"] as const) {
  const compress = engines[compression];
  const packed = compress(content);

  test(`${compression}: content comes back whole`, async (t) => {
    assert.ok((await decompressed(t, packed, compression)).equals(content));
  });

  test(`${compression}: several members in one file are one content`, async (t) => {
    const halves = Buffer.concat([
      compress(content.subarray(0, 5)),
      compress(""),
      compress(content.subarray(5)),
    ]);
    assert.ok((await decompressed(t, halves, compression)).equals(content));
  });

  test(`${compression}: a file that is cut off anywhere is refused`, async (t) => {
    const small = compress(randomBytes(200));
    const two = Buffer.concat([small, small]);
    for (
      let length = 0;
      length < two.length;
      length += length < small.length - 5 || length > small.length + 20 ? 5 : 1
    ) {
      if (length !== small.length)
        await assert.rejects(decompressed(t, two.subarray(0, length), compression), integrity, `${length}`);
    }
    await assert.rejects(decompressed(t, packed.subarray(0, -1), compression), integrity);
  });

  test(`${compression}: something that follows the content is noticed, however far behind`, async (t) => {
    for (const rest of [
      Buffer.from("rubbish"),
      Buffer.alloc(1_000_000, 7),
      Buffer.concat([Buffer.alloc(600_000), packed]),
    ]) {
      await assert.rejects(decompressed(t, Buffer.concat([packed, rest]), compression), integrity);
    }
  });

  test(`${compression}: damage in the middle is noticed`, async (t) => {
    const damaged = Buffer.from(packed);
    damaged[damaged.length >> 1]! ^= 1;
    await assert.rejects(decompressed(t, damaged, compression), integrity);
  });
}

test("gz: zeros at the end are the padding of a tape", async (t) => {
  for (const zeros of [1, 1_000_000]) {
    const padded = Buffer.concat([gzipSync(content), Buffer.alloc(zeros)]);
    assert.ok((await decompressed(t, padded, "gz")).equals(content));
  }
});

test("gz: a wrong checksum is noticed", async (t) => {
  const packed = gzipSync(content);
  packed[packed.length - 6]! ^= 1;
  await assert.rejects(decompressed(t, packed, "gz"), integrity);
});

test("zst: a wrong checksum is noticed", async (t) => {
  const packed = zstdCompressSync(content, checked);
  packed[packed.length - 2]! ^= 1;
  await assert.rejects(decompressed(t, packed, "zst"), integrity);
});

test("zst: a frame that needs a dictionary is no damage", async (t) => {
  // Magic, a descriptor that announces both ids, the dictionary's, the length, and one block as it is (RFC 8878).
  const frame = Buffer.from("28b52ffd" + "21" + "07" + "05" + "290000", "hex");
  const packed = Buffer.concat([frame, Buffer.from("hello")]);
  await assert.rejects(decompressed(t, packed, "zst"), { code: "integrity", kind: "unsupported" });
});

test("a file that is not compressed comes as it is", async (t) => {
  assert.ok((await decompressed(t, content, undefined)).equals(content));
  assert.equal((await decompressed(t, Buffer.alloc(0), undefined)).length, 0);
});

test("a file that is not there is a failure of the file system", async (t) => {
  const missing = join(temporary(t), "missing");
  for (const compression of [undefined, "gz", "xz", "bz2"] as const) {
    await assert.rejects(Array.fromAsync(contentOf(missing, compression, () => {})), { code: "access" });
  }
});

test("a reader that stops in the middle leaves no file open", async (t) => {
  const path = join(temporary(t), "file");
  writeFileSync(path, gzipSync(content));
  for (const compression of ["gz", undefined] as const) {
    for await (const chunk of contentOf(path, compression, () => {})) if (chunk.length > 0) break;
    const open = readdirSync("/proc/self/fd").map((fd) => attempt(() => readlinkSync(`/proc/self/fd/${fd}`)));
    assert.ok(!open.includes(path));
  }
});

function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch {
    return undefined;
  }
}

test("frames of all shapes are seen to be whole, and not with a byte less or more", () => {
  const levels = [1, 19].map((level) => ({ params: { [constants.ZSTD_c_compressionLevel]: level } }));
  const shapes = [
    ...levels.flatMap((level) =>
      [content, Buffer.alloc(500_000), Buffer.alloc(0)].map((bytes) => zstdCompressSync(bytes, level)),
    ),
    zstdCompressSync(content, checked),
    zstdCompressSync(content, { params: { [constants.ZSTD_c_contentSizeFlag]: 0 } }),
    Buffer.from("502a4d1803000000010203", "hex"),
  ];
  const isWhole = (bytes: Buffer) =>
    isWholeFrames(bytes.length, (at, length) => bytes.subarray(at, at + length));
  for (const shape of [...shapes, Buffer.concat(shapes)]) {
    assert.ok(isWhole(shape));
    assert.ok(!isWhole(shape.subarray(0, -1)));
    assert.ok(!isWhole(Buffer.concat([shape, shape.subarray(0, 2)])));
  }
});
