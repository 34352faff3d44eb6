import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assertRightOrRefused, decoder, isInstalled } from "./decoders.ts";

const integrity = { code: "integrity" };
const content = Buffer.from("to be, or not to be, that is the question: to be, to be.\n");

/** Made by xz 5.4.1 from `content`, with the options that the names tell. */
const files = {
  crc64:
    "/Td6WFoAAATm1rRGAgAhARwAAAAQz1jM4AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAACeUii+6JEChAABSjmsmhV1H7bzfQEAAAAABFla",
  crc32:
    "/Td6WFoAAAFpIt42AgAhARwAAAAQz1jM4AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAACx28TfAAFGOaDVoNmQQpkNAQAAAAABWVo=",
  sha256:
    "/Td6WFoAAArh+wyhAgAhARwAAAAQz1jM4AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAAClmYj1+9jbaKxTwpCJgFUcJjdKHgE7TCfYR1dh7Hu+7wABYjkGNEgoGJtLmgEAAAAAClla",
  none: "/Td6WFoAAAD/EtlBAgAhARwAAAAQz1jM4AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAAAAAUI5pBDMvQZynnoBAAAAAABZWg==",
  "block-size=20":
    "/Td6WFoAAATm1rRGAsAYFCEBFgCQ4SuUAQATdG8gYmUsIG9yIG5vdCB0byBiZSwAN/zzsb3x2xcCwBgUIQEWAJDhK5QBABMgdGhhdCBpcyB0aGUgcXVlc3RpbwBrJcyrVrwuCQLAFREhARYAPn1V4AEAEG46IHRvIGJlLCB0byBiZS4KAAAAACDeWSaxyoopAAMsFCwUKRHIlfluscRn+wIAAAAABFla",
};
const packed = (name: keyof typeof files): Buffer => Buffer.from(files[name], "base64");
const empty = Buffer.from("/Td6WFoAAATm1rRGAAAAABzfRCEftvN9AQAAAAAEWVo=", "base64");
const names = Object.keys(files) as (keyof typeof files)[];

for (const name of names) {
  test(`xz: content comes back whole (${name})`, async (t) => {
    assert.ok((await decoder(t, "xz")(packed(name))).equals(content));
  });

  test(`xz: a file that is cut off anywhere is refused (${name})`, async (t) => {
    const decode = decoder(t, "xz");
    const bytes = packed(name);
    for (let length = 0; length < bytes.length; length++)
      await assert.rejects(decode(bytes.subarray(0, length)), integrity, `${length}`);
  });

  // Without a check of the content, only xz's own structure can tell.
  if (name === "none") continue;
  test(`xz: no damaged bit goes unnoticed (${name})`, async (t) => {
    const decode = decoder(t, "xz");
    // Steps of 7 bits come to every byte.
    for (let bit = 0; bit < packed(name).length * 8; bit += name === "crc64" ? 1 : 7) {
      const damaged = packed(name);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      await assert.rejects(decode(damaged), integrity, `bit ${bit}`);
    }
  });
}

test("xz: any other byte in any place is noticed", async (t) => {
  const decode = decoder(t, "xz");
  for (let at = 0; at < packed("crc64").length; at++) {
    for (const value of [0x00, 0xff, 0x80]) {
      const damaged = packed("crc64");
      damaged[at] = value;
      await assertRightOrRefused(decode, damaged, content, `${value} at ${at}`);
    }
  }
});

test("xz: streams one after the other, empty ones and padding between them are one content", async (t) => {
  const [one, two, padding] = [packed("crc64"), packed("sha256"), Buffer.alloc(200_000)];
  const all = Buffer.concat([empty, one, padding, empty, two, padding]);
  assert.ok((await decoder(t, "xz")(all)).equals(Buffer.concat([content, content])));
  assert.equal((await decoder(t, "xz")(empty)).length, 0);
});

test("xz: what follows the content is noticed, however far behind", async (t) => {
  const decode = decoder(t, "xz");
  for (const rest of [
    Buffer.from("rubbish"),
    Buffer.alloc(3),
    Buffer.concat([Buffer.alloc(400_000), Buffer.from("more")]),
    Buffer.concat([Buffer.alloc(2), packed("crc64")]),
    packed("crc64").subarray(0, 40),
  ]) {
    await assert.rejects(decode(Buffer.concat([packed("crc64"), rest])), integrity);
  }
});

test("xz: a filter for machine code is named", async (t) => {
  const x86 =
    "/Td6WFoAAATm1rRGAgEEACEBFgANhjUf4AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAACeUii+6JEChAABSjmsmhV1H7bzfQEAAAAABFla";
  const failure = { code: "integrity", kind: "unsupported", hint: /--x86/ };
  await assert.rejects(decoder(t, "xz")(Buffer.from(x86, "base64")), failure);
});

test("xz: a dictionary larger than that of xz -9 is refused before it is made", async (t) => {
  const with96MiB =
    "/Td6WFoAAATm1rRGAgAhAR0AAAB1qOR04AA4AC5dADobwAUh5UibGZ0i6pVeRZVwfkKYDOr72YPHZ4dh0DQWx3BTKDCbFiRDRpF0AAAAAACeUii+6JEChAABSjmsmhV1H7bzfQEAAAAABFla";
  const failure = { code: "integrity", kind: "unsupported", message: /96 MiB/ };
  await assert.rejects(decoder(t, "xz")(Buffer.from(with96MiB, "base64")), failure);
});

test(
  "xz: a dictionary that the memory limit has no room for is refused, once so much of it is needed",
  { skip: !isInstalled("xz") },
  async (t) => {
    const decode = decoder(t, "xz");
    const large = Buffer.alloc(9_000_000);
    const bytes = execFileSync("xz", ["-c", "-9"], { input: large });
    const mebibyte = 1024 * 1024;
    let limit = 32 * mebibyte;
    t.mock.method(process, "constrainedMemory", () => limit);
    const failure = { code: "integrity", kind: "unsupported", hint: /memory limit/ };
    await assert.rejects(decode(bytes), failure);
    assert.ok((await decode(packed("crc64"))).equals(content), "64 MiB, of which little is used");
    limit = process.memoryUsage.rss() + 256 * mebibyte;
    assert.ok((await decode(bytes)).equals(large));
  },
);

test("xz: what xz makes of large content comes back", { skip: !isInstalled("xz") }, async (t) => {
  const decode = decoder(t, "xz");
  const program = readFileSync(process.execPath).subarray(0, 1_000_000);
  const large = Buffer.concat([randomBytes(300_000), program, Buffer.alloc(300_000, "text "), program]);
  for (const options of [
    ["-0"],
    ["-6"],
    ["--lzma2=dict=4KiB,lc=0,lp=4,pb=0"],
    ["--lzma2=dict=96KiB,lc=4,lp=0,pb=4"],
    ["-1", "--block-size=100000"],
  ]) {
    const bytes = execFileSync("xz", ["-c", ...options], { input: large, maxBuffer: large.length * 2 });
    assert.ok((await decode(bytes)).equals(large), options.join(" "));
  }
});
