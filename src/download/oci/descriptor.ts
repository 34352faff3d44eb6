import { at, listAt, numberAt, textAt } from "../../json-fields.ts";
import type { Digest } from "../checksum.ts";
import { parseDigest } from "./digest.ts";

/** What a manifest or an index says of something in the registry (OCI image-spec 1.1, descriptor.md). */
export interface Descriptor {
  readonly mediaType: string;
  readonly artifactType: string;
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Where else it is to be had. */
  readonly urls: readonly unknown[];
  /** The name that the file had (`org.opencontainers.image.title`), which may be anything but empty. */
  readonly title: string | undefined;
  /** Of an entry of an index. */
  readonly platform: Platform | undefined;
  /** Whether it is BuildKit's statement about another entry. */
  readonly isAttestation: boolean;
}

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** Empty where there is none. */
  readonly variant: string;
}

/** @returns undefined for what is none, or has a digest of another algorithm than sha256 and sha512 */
export function parseDescriptor(value: unknown): Descriptor | undefined {
  const digest = parseDigest(textAt(value, "digest"));
  const size = numberAt(value, "size");
  if (!digest || size === undefined || !Number.isSafeInteger(size) || size < 0) return undefined;
  return {
    mediaType: textAt(value, "mediaType"),
    artifactType: textAt(value, "artifactType"),
    digest,
    size,
    urls: listAt(value, "urls"),
    title: textAt(value, "annotations", "org.opencontainers.image.title") || undefined,
    platform: parsePlatform(at(value, "platform")),
    isAttestation: textAt(value, "annotations", "vnd.docker.reference.type") === "attestation-manifest",
  };
}

/** BuildKit marks what is for no platform as one that is unknown. */
function parsePlatform(value: unknown): Platform | undefined {
  const [os, architecture] = [textAt(value, "os"), textAt(value, "architecture")];
  if ([os, architecture].some((part) => part === "" || part === "unknown")) return undefined;
  return { os, architecture, variant: textAt(value, "variant") };
}
