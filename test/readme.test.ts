import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readmePath, regenerate } from "./docs/generate.ts";

test("the README says what the code does: its tables and manifests are the generated ones", async () => {
  const readme = readFileSync(readmePath, "utf8");
  assert.equal(readme, await regenerate(readme), "run: npm run docs");
});
