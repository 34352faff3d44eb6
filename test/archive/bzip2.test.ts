import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertRightOrRefused, decoder, isInstalled } from "./decoders.ts";

const integrity = { code: "integrity" };
const content = Buffer.from("to be, or not to be, that is the question: to be, to be.\n");

/** Made by bzip2 1.0.8 from `content`, and from nothing. */
const packed = Buffer.from(
  "QlpoOTFBWSZTWQ13jq4AABpZgAAQQAUAEDJhvgAgAFRQ00wACVMaiaPQ0kSFcx81L2EHNyDbDubKWcKfxlGahGqe3cF3JFOFCQDXeOrg",
  "base64",
);
const empty = Buffer.from("QlpoORdyRThQkAAAAAA=", "base64");

test("bz2: content comes back whole", async (t) => {
  assert.ok((await decoder(t, "bz2")(packed)).equals(content));
  assert.equal((await decoder(t, "bz2")(empty)).length, 0);
});

test("bz2: a file that is cut off anywhere is refused", async (t) => {
  const decode = decoder(t, "bz2");
  for (let length = 0; length < packed.length; length++) {
    await assert.rejects(decode(packed.subarray(0, length)), integrity, `${length}`);
    if (length > 0)
      await assert.rejects(decode(Buffer.concat([packed, packed.subarray(0, length)])), integrity);
  }
});

test("bz2: a damaged bit changes nothing or is noticed", async (t) => {
  const decode = decoder(t, "bz2");
  for (let bit = 0; bit < packed.length * 8; bit++) {
    const damaged = Buffer.from(packed);
    damaged[bit >> 3]! ^= 1 << (bit & 7);
    await assertRightOrRefused(decode, damaged, content, `bit ${bit}`);
  }
});

test("bz2: any other byte in any place changes nothing or is noticed", async (t) => {
  const decode = decoder(t, "bz2");
  for (let at = 0; at < packed.length; at++) {
    for (const value of [0x00, 0xff, 0x55]) {
      const damaged = Buffer.from(packed);
      damaged[at] = value;
      await assertRightOrRefused(decode, damaged, content, `${value} at ${at}`);
    }
  }
});

test("bz2: streams one after the other, and zeros behind them, are one content", async (t) => {
  const zeros = Buffer.alloc(300_000);
  const all = Buffer.concat([packed, empty, packed, zeros]);
  assert.ok((await decoder(t, "bz2")(all)).equals(Buffer.concat([content, content])));
});

test("bz2: what follows the content is noticed, however far behind", async (t) => {
  const decode = decoder(t, "bz2");
  for (const rest of [Buffer.from("rubbish"), Buffer.concat([Buffer.alloc(300_000), Buffer.from("BZ")])])
    await assert.rejects(decode(Buffer.concat([packed, rest])), integrity);
});

test("bz2: the randomised blocks of a bzip2 before 1998 are named", async (t) => {
  const randomised = Buffer.from(packed);
  randomised[14]! |= 0x80;
  const failure = { code: "integrity", kind: "unsupported", message: /1998/ };
  await assert.rejects(decoder(t, "bz2")(randomised), failure);
});

test("bz2: what bzip2 makes of large content comes back", { skip: !isInstalled("bzip2") }, async (t) => {
  const decode = decoder(t, "bz2");
  const program = readFileSync(process.execPath).subarray(0, 1_000_000);
  const runs = Array.from({ length: 600 }, (_, length) => Buffer.alloc(length, length));
  const large = Buffer.concat([randomBytes(300_000), ...runs, program, Buffer.alloc(3_000_000, "text ")]);
  for (const input of [large, Buffer.alloc(5_000_000), randomBytes(1), Buffer.alloc(259, "x")]) {
    for (const level of ["-1", "-9"]) {
      const bytes = execFileSync("bzip2", ["-c", level], { input, maxBuffer: input.length * 2 + 1000 });
      assert.ok((await decode(bytes)).equals(input), `${level}, ${input.length} bytes`);
    }
  }
});
