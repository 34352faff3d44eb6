import { Failure } from "../../failure.ts";
import { type Digest, shownDigest } from "../checksum.ts";
import type { Location } from "../location.ts";
import { statusFailure } from "../status.ts";
import { longest, readBody } from "./body.ts";
import { parseManifest } from "./manifest.ts";
import { shownReference } from "./reference.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import type { Registry } from "./registry.ts";

/** Where a layer is. */
export interface OciLocation extends Location {
  readonly digest: Digest;
}

/** A blob that is known to be there, for whoever asks as the registry was asked. */
export const locationOf = (
  registry: Registry,
  digest: Digest,
  known: Pick<OciLocation, "length" | "title" | "isLayer">,
): OciLocation => ({
  url: registry.urlOf(pathOf(digest)),
  headers: registry.headers,
  digest,
  explain: async (response) => (response.status === 401 ? expired(digest) : statusFailure(response)),
  ...known,
});

/** The manifest was given out with the same token, and tokens may last for a minute only: the next attempt gets another. */
const expired = (digest: Digest): Failure =>
  new Failure(
    "source-unavailable",
    `the registry does not give ${shownDigest(digest)} with its own token any more`,
    {
      kind: "http:401",
      hint: "the token has expired: the next attempt asks for another one",
    },
  );

const pathOf = (digest: Digest): string => `blobs/${shownDigest(digest)}`;

/**
 * The blob of a digest that is not that of a manifest. Nothing says what type it has; what holds whiteouts is a layer.
 * @param refusal what the registry said of such a manifest
 * @throws Failure `refused` where there is no such blob either
 */
export async function locateBlob(registry: Registry, digest: Digest, refusal: Refusal): Promise<OciLocation> {
  const isUnclear = refusal.status === 500;
  if (refusal.status !== 404 && !isUnclear) throw registry.failure(refusal);
  using response = await registry.ask({ path: pathOf(digest), method: "HEAD", accept: ["*/*"] });
  // A redirect says enough, and is not followed: the address that comes is signed for another method.
  const isThere = response.status === 200 || (response.status >= 300 && response.status < 400);
  if (!isThere) throw registry.failure(isUnclear ? refusal : await readRefusal(response));
  const length = response.status === 200 ? lengthIn(response.headers["content-length"]) : undefined;
  if (isUnclear && (await holdsManifest(registry, digest, length))) throw registry.failure(refusal);
  return locationOf(registry, digest, { ...(length !== undefined && { length }), isLayer: true });
}

function lengthIn(header: string | string[] | undefined): number | undefined {
  return typeof header === "string" && /^[0-9]{1,15}$/.test(header) ? Number(header) : undefined;
}

/**
 * Whether a blob is a manifest after all, as registries may keep them. Distribution answers 500 where a blob is asked
 * for as a manifest (distribution/distribution#3122), but so does a registry that is in trouble.
 */
async function holdsManifest(
  registry: Registry,
  digest: Digest,
  length: number | undefined,
): Promise<boolean> {
  if (length !== undefined && length > longest) return false;
  using response = await registry.ask({ path: pathOf(digest), accept: ["*/*"] });
  if (response.status !== 200) throw registry.failure(await readRefusal(response));
  try {
    parseManifest(await readBody(response), digest, shownReference(registry.reference));
    return true;
  } catch (error) {
    if (error instanceof Failure && (error.kind === "manifest" || error.kind === "too-long")) return false;
    throw error;
  }
}
