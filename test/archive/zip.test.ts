import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { readZip } from "../../src/archive/zip.ts";
import { zip, type ZipEntry } from "../helpers/archives.ts";
import { temporary } from "../helpers/temporary.ts";
import { type Collected, Collector } from "./collect.ts";

const integrity = { code: "integrity" };

async function read(t: TestContext, bytes: Buffer): Promise<readonly Collected[]> {
  const path = join(temporary(t), "file.zip");
  writeFileSync(path, bytes);
  const collector = new Collector();
  await readZip(path, collector, new AbortController().signal, () => {});
  return collector.entries;
}

const large = randomBytes(400_000).toString("latin1");

test("all kinds of entries are told with their content", async (t) => {
  const entries = await read(
    t,
    zip(
      { name: "folder/", mode: 0o040755 },
      { name: "folder/stored", content: "stored", method: 0, mode: 0o100600 },
      { name: "folder/deflated", content: "deflated ".repeat(100) },
      { name: "large", content: Buffer.from(large, "latin1") },
      { name: "empty", content: "" },
      { name: "link", content: "folder/stored", mode: 0o120777 },
      { name: "ünïcode", content: "x" },
    ),
  );
  assert.deepEqual(
    entries.map(({ name, type, target, content }) => [name, type, target, content.length]),
    [
      ["folder/", "folder", "", 0],
      ["folder/stored", "file", "", 6],
      ["folder/deflated", "file", "", 900],
      ["large", "file", "", 400_000],
      ["empty", "file", "", 0],
      ["link", "symlink", "folder/stored", 0],
      ["ünïcode", "file", "", 1],
    ],
  );
  assert.equal(entries[1]!.mode, 0o600);
  assert.equal(entries[3]!.content, large);
});

test("an empty archive has no entries", async (t) => assert.deepEqual(await read(t, zip()), []));

test("names without a mark are UTF-8 where they were written on Unix", async (t) => {
  const [entry] = await read(t, zip({ name: "größe", flags: 0 }));
  assert.equal(entry!.name, "größe");
});

test("devices, FIFOs and sockets are told for what they are", async (t) => {
  const modes = [0o010644, 0o020644, 0o060644, 0o140644];
  const entries = await read(t, zip(...modes.map((mode, index) => ({ name: `n${index}`, mode }))));
  assert.deepEqual(
    entries.map(({ type }) => type),
    ["FIFO", "character device", "block device", "socket"],
  );
});

const honest: ZipEntry = { name: "f", content: "content ".repeat(50) };
const big: ZipEntry = { name: "f", content: "content ".repeat(50_000) };

for (const [what, bytes] of Object.entries({
  "an entry that holds more than it says": zip({ ...honest, size: 10 }),
  "a large entry that holds more than it says": zip({ ...big, size: 300_000 }),
  "an entry that holds less than it says": zip({ ...honest, size: 1000 }),
  "a wrong checksum": zip({ ...honest, crc: 1 }),
  "a wrong checksum of a large entry": zip({ ...big, crc: 1 }),
  "a stored entry of two sizes": zip({ ...honest, method: 0, size: 10 }),
  "data that is no deflate": zip({ name: "f", content: "\xff\xff\xff", method: 8, compressedSize: 1 }),
  "an encrypted entry": zip({ ...honest, flags: 0x801 }),
  "an unknown compression": zip({ ...honest, method: 99 }),
  "a header that is not there": zip({ ...honest, offset: 7 }),
  "a header beyond its end": zip({ ...honest, offset: 1e9 }),
  "a folder with content": zip({ name: "d/", content: "x", mode: 0o040755 }),
  "a link to nowhere": zip({ name: "l", content: "", mode: 0o120777 }),
  "a link to a name with a NUL byte": zip({ name: "l", content: "a\0b", mode: 0o120777 }),
  "a link of 5000 characters": zip({ name: "l", content: "a/".repeat(2500), mode: 0o120777 }),
  "a name that is marked as UTF-8 and is not": zip({ name: Buffer.from([0xe9]) }),
})) {
  test(`a zip archive with ${what} is refused`, async (t) => {
    await assert.rejects(read(t, bytes), integrity);
  });
}

test("entries that share their data are refused, however right each of them is", async (t) => {
  const kernel = { content: Buffer.alloc(50_000), offset: 0 };
  const sharing = Array.from({ length: 50 }, (_, index) => ({
    ...kernel,
    name: `n${index}`,
    isOnlyListed: index > 0,
  }));
  assert.equal((await read(t, zip(sharing[0]!))).length, 1);
  await assert.rejects(read(t, zip(...sharing)), integrity);
});

test("a zip archive that is cut off anywhere is refused", async (t) => {
  const whole = zip(honest, { name: "g", content: "x" });
  for (let length = 4; length < whole.length; length += 9) {
    await assert.rejects(read(t, whole.subarray(0, length)), integrity, `${length} bytes`);
  }
});
