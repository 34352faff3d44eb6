import type { Digest } from "../checksum.ts";

/**
 * A digest as registries write it: of a registered algorithm, its digits in lower case (OCI image-spec 1.1,
 * descriptor.md).
 * @returns undefined for what is none
 */
export function parseDigest(text: string): Digest | undefined {
  const [, hex256, hex512] = /^(?:sha256:([0-9a-f]{64})|sha512:([0-9a-f]{128}))$/.exec(text) ?? [];
  if (hex256 !== undefined) return { algorithm: "sha256", hex: hex256 };
  return hex512 === undefined ? undefined : { algorithm: "sha512", hex: hex512 };
}
