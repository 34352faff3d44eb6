import assert from "node:assert/strict";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { archiveFormat, formatOf, isTar, wrappingOf } from "../../src/archive/format.ts";
import { tar, tarEnd, zip } from "../helpers/archives.ts";

const integrity = { code: "integrity" };
const archive = tar({ name: "f", content: "x" });

test("the wrapping is told by the first bytes", () => {
  assert.equal(wrappingOf(gzipSync("x")), "gz");
  assert.equal(wrappingOf(zstdCompressSync("x")), "zst");
  assert.equal(
    wrappingOf(Buffer.from("502a4d1804000000", "hex")),
    "zst",
    "a skippable frame, as pzstd writes it",
  );
  assert.equal(wrappingOf(Buffer.from("fd377a585a000004", "hex")), "xz");
  assert.equal(wrappingOf(Buffer.from("BZh91AY&SY")), "bz2");
  assert.equal(wrappingOf(Buffer.from("BZh9\x17rE8P\x90", "latin1")), "bz2", "an empty one");
  assert.equal(wrappingOf(Buffer.from("BZh is how this text begins")), undefined);
  assert.equal(wrappingOf(zip({ name: "f" })), "zip");
  assert.equal(wrappingOf(zip()), "zip", "an empty one");
  assert.equal(wrappingOf(archive), undefined);
});

test("tar is told by a header, and by nothing but zeros", () => {
  assert.ok(isTar(archive));
  assert.ok(isTar(tar({ name: "f", magic: "\0" })), "without ustar's magic");
  assert.ok(isTar(tarEnd));
  assert.ok(isTar(Buffer.alloc(10_240)));
  assert.ok(!isTar(Buffer.alloc(512)), "half an end");
  assert.ok(!isTar(Buffer.alloc(10_241)), "a disk image begins with zeros too");
  assert.ok(!isTar(Buffer.from("ustar".repeat(200))));
});

test("compressed content is an archive or a single file", () => {
  assert.equal(formatOf("gz", archive, "auto"), "tar.gz");
  assert.equal(formatOf("zst", Buffer.from("text"), "auto"), "zst");
  assert.equal(formatOf("xz", archive, "auto"), "tar.xz");
  assert.equal(formatOf("bz2", Buffer.from("text"), "auto"), "bz2");
  assert.equal(formatOf("gz", Buffer.alloc(0), "auto"), "gz");
  assert.equal(formatOf(undefined, archive, "auto"), "tar");
});

test("a format that is asked for is taken at its word, where the content allows it", () => {
  assert.equal(formatOf("gz", archive, "gz"), "gz", "a tar archive is a single file too");
  assert.equal(formatOf("gz", archive, "tar.gz"), "tar.gz");
  for (const [wrapping, inner, asked] of [
    ["gz", archive, "tar"],
    ["gz", archive, "tar.zst"],
    ["gz", archive, "zip"],
    ["gz", Buffer.from("text"), "tar.gz"],
    [undefined, archive, "gz"],
  ] as const) {
    assert.throws(() => formatOf(wrapping, inner, asked), integrity, asked);
  }
});

test("what is no archive at all is refused", () => {
  for (const text of ["", "plain text", "<!DOCTYPE html>"]) {
    assert.throws(() => formatOf(undefined, Buffer.from(text), "auto"), integrity, text);
  }
});

test("a format is written as one word, or as yes or no", () => {
  assert.equal(archiveFormat.parse("tar.gz"), "tar.gz");
  for (const format of ["tar.xz", "tar.bz2", "xz", "bz2"]) assert.equal(archiveFormat.parse(format), format);
  for (const yes of ["auto", "true", "yes"]) assert.equal(archiveFormat.parse(yes), "auto");
  for (const no of ["false", "no"]) assert.equal(archiveFormat.parse(no), undefined);
  for (const unknown of ["tgz", "txz", "tar.lz", "lzma", ""])
    assert.throws(() => archiveFormat.parse(unknown), unknown);
});
