import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly integrity?: string }>>;
}

test("every package is installed only with the content that the lock file knows", () => {
  const { packages }: LockFile = JSON.parse(
    readFileSync(join(import.meta.dirname, "../package-lock.json"), "utf8"),
  );
  const { "": _, ...others } = packages;
  const unknown = Object.entries(others).filter(([, { integrity }]) => !integrity?.startsWith("sha512-"));
  assert.deepEqual(
    unknown.map(([path]) => path),
    [],
  );
});
