import type { Hash } from "node:crypto";
import { createReadStream } from "node:fs";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";

export type Algorithm = "sha256" | "sha512";

/** Loaded at first use, for that costs more than many a step that needs no digest. */
export const createHash = (algorithm: Algorithm): Hash =>
  process.getBuiltinModule("node:crypto").createHash(algorithm);

/**
 * The digest of a file's content, in hex.
 * @throws Failure where it cannot be read; the reason of the signal
 */
export async function digestOf(path: string, algorithm: Algorithm, signal: AbortSignal): Promise<string> {
  const hash = createHash(algorithm);
  await readThrough(path, (chunk) => hash.update(chunk), signal);
  return hash.digest("hex");
}

/**
 * Hands out a file's content, chunk by chunk.
 * @throws Failure where it cannot be read; the reason of the signal
 */
export async function readThrough(
  path: string,
  use: (chunk: Buffer) => void,
  signal: AbortSignal,
): Promise<void> {
  try {
    for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
      signal.throwIfAborted();
      use(chunk as Buffer);
    }
  } catch (error) {
    throw signal.aborted ? signal.reason : fileFailure(`cannot read ${quote(path)}`, error);
  }
}

/** A digest of a value of JSON, in hex: the same for equal values. */
export const fingerprint = (value: unknown): string =>
  createHash("sha256").update(JSON.stringify(value)).digest("hex");
