import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../src/download/pace.ts";
import { inVirtualTime } from "../helpers/virtual-time.ts";

const MiB = 1024 * 1024;
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a transfer is told by its bytes, its share, its rate and the time left", async () => {
  await inVirtualTime(async () => {
    const pace = new Pace(0, 100 * MiB);
    await pass(2000);
    assert.match(pace.at(20 * MiB), /^20 MiB of 100 MiB \(20%\), 10(\.0)? MiB\/s, 8s left$/);
    assert.equal(pace.shareAt(20 * MiB), 0.2);
  });
});

test("without a length there is no share and no time left", async () => {
  await inVirtualTime(async () => {
    const pace = new Pace(0, undefined);
    await pass(1000);
    assert.match(pace.at(MiB), /^1 MiB, 1(?:\.\d)? MiB\/s|^1 MiB, 102\d(?:\.\d)? KiB\/s/);
    assert.equal(pace.shareAt(MiB), undefined);
  });
});

test("a stall shows in the rate, and what was there before does not", async () => {
  await inVirtualTime(async () => {
    const pace = new Pace(50 * MiB, 100 * MiB);
    for (let second = 1; second <= 5; second++) {
      await pass(1000);
      pace.at((50 + second) * MiB);
    }
    const [, rate] = /, ([0-9.]+ [KM]iB)\/s/.exec(pace.at(55 * MiB))!;
    assert.match(rate!, /^(?:1 MiB|1\.\d MiB|1?0?\d\d\d(?:\.\d)? KiB)$/);
    await pass(20_000);
    assert.doesNotMatch(pace.at(55 * MiB), /[1-9] MiB\/s/);
  });
});
