import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { contentOf } from "../../src/archive/decompress.ts";
import { Failure } from "../../src/failure.ts";
import { temporary } from "../helpers/temporary.ts";

export type Decoded = "xz" | "bz2";

/** Decompresses bytes by way of a file in one folder. */
export function decoder(t: TestContext, compression: Decoded): (bytes: Buffer) => Promise<Buffer> {
  const path = join(temporary(t), "file");
  return async (bytes) => {
    writeFileSync(path, bytes);
    return Buffer.concat(
      await Array.fromAsync(
        contentOf(path, compression, () => {}),
        (chunk) => Buffer.from(chunk),
      ),
    );
  };
}

/** Whatever happens to a file, what comes out is the right content or a failure that says so; never something else. */
export async function assertRightOrRefused(
  decode: (bytes: Buffer) => Promise<Buffer>,
  bytes: Buffer,
  content: Buffer,
  what: string,
): Promise<void> {
  try {
    assert.ok((await decode(bytes)).equals(content), `${what}: other content`);
  } catch (error) {
    assert.ok(error instanceof Failure && error.code === "integrity", `${what}: ${String(error)}`);
    assert.notEqual(error.hint, undefined, what);
  }
}

/** The programs that made the fixtures, where they are installed. */
export const isInstalled = (program: string): boolean => {
  try {
    execFileSync(program, ["--help"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
