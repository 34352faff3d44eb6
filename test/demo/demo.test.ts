import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporary } from "../helpers/temporary.ts";

test("the README's example works on this machine, and finds its work done the second time", async (t) => {
  const demo = [join(import.meta.dirname, "main.ts"), temporary(t)];
  const run = async () => (await promisify(execFile)(process.execPath, demo)).stderr;
  assert.doesNotMatch(await run(), /unchanged/);
  assert.equal((await run()).match(/: unchanged: /g)?.length, 3);
});
