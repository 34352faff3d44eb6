import { mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";

/** A new folder that is removed when the test ends. */
export function temporary(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "initkit-test-")));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
