import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Access } from "../../src/download/http-source.ts";
import { findCredentials } from "../../src/download/s3/chain.ts";
import type { Credentials } from "../../src/download/s3/credentials.ts";
import { Failure } from "../../src/failure.ts";
import { temporary } from "./temporary.ts";

/** What a download with nothing but these variables may ask with. */
export function accessWith(env: Access["env"], header: Access["args"]["header"] = []): Access {
  const args = { header, user: undefined, bearer: undefined, "no-redirects": false, stall: 5_000 };
  return { args, tls: {}, env, origin: "null", signal: new AbortController().signal };
}

export const find = (env: Access["env"]): Promise<Credentials | undefined> =>
  findCredentials(accessWith(env));

/** Why there are no credentials. */
export async function failureOf(env: Access["env"]): Promise<Failure> {
  const error: unknown = await find(env).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof Failure, String(error));
  assert.ok(error.hint, error.message);
  return error;
}

export function fileWith(t: TestContext, content: string): string {
  const file = join(temporary(t), "file");
  writeFileSync(file, content);
  return file;
}

export const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();
