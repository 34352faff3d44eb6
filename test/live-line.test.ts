import assert from "node:assert/strict";
import { test } from "node:test";
import { LiveLine } from "../src/live-line.ts";
import { inVirtualTime } from "./helpers/virtual-time.ts";

/** What a terminal shows after all that was written: its lines, the last one unfinished. */
function screenOf(written: string): string[] {
  return written.split("\n").map((line) => line.split("\r").at(-1)!.replace("\u001b[K", ""));
}

const lineTo = (write: (text: string) => void): LiveLine =>
  new LiveLine(write, (text) => text.replaceAll("s3cret", "***"));

test("a secret is never shown, not even its beginning at the end of the line", () => {
  let written = "";
  lineTo((text) => (written += text)).show(`${"x".repeat(76)}s3cret`);
  assert.doesNotMatch(written, /s3/);
});

test("what is going on takes one line, which makes room for what stays", async () => {
  await inVirtualTime(async () => {
    let written = "";
    const line = lineTo((text) => (written += text));
    line.clear();
    assert.equal(written, "");
    line.show("10% done");
    await new Promise((resolve) => setTimeout(resolve, 150));
    line.show("20% done");
    assert.deepEqual(screenOf(written), ["20% done"]);
    line.clear();
    written += "12:00:00 done\n";
    assert.deepEqual(screenOf(written), ["12:00:00 done", ""]);
  });
});

test("a share is drawn as a bar, and a line is never longer than a terminal is wide", async () => {
  await inVirtualTime(async () => {
    for (const [share, start] of [
      [0, "[--------------------]"],
      [0.5, "[##########----------]"],
      [1, "[####################]"],
    ] as const) {
      let written = "";
      lineTo((text) => (written += text)).show("x".repeat(200), share);
      const [shown] = screenOf(written);
      assert.ok(shown!.startsWith(start));
      assert.ok(shown!.length < 80);
    }
  });
});

test("it is refreshed no faster than somebody can read", async () => {
  await inVirtualTime(async () => {
    let writes = 0;
    const line = lineTo(() => writes++);
    for (let step = 0; step < 1000; step++) {
      line.show(`${step}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    assert.ok(writes <= 11, `${writes}`);
  });
});
