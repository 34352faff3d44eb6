import assert from "node:assert/strict";
import { before, test } from "node:test";
import { measureLimited } from "./limited.ts";
import { buildImages } from "./podman.ts";

const boundMs = 2000;

before(buildImages);

test("with a tenth of a processor and 64 MiB, a wait on an open port ends within 2 s more than bare Node", async (t) => {
  const times = await measureLimited(3);
  const best = (key: "node" | "initkit"): number => Math.min(...times.map((each) => each[key]));
  const more = best("initkit") - best("node");
  t.diagnostic(`${more.toFixed(0)} ms more than the ${best("node").toFixed(0)} ms of bare Node`);
  assert.ok(more < boundMs, JSON.stringify(times));
});
