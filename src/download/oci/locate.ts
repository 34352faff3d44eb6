import { Failure } from "../../failure.ts";
import type { Access } from "../http-source.ts";
import { locateBlob, locationOf, type OciLocation } from "./blob.ts";
import { readBody } from "./body.ts";
import type { Descriptor } from "./descriptor.ts";
import { shownDigest } from "../checksum.ts";
import { parseDigest } from "./digest.ts";
import { contentLayers, isImageLayer, type Manifest, manifestTypes, parseManifest } from "./manifest.ts";
import { chooseEntry } from "./platform.ts";
import { parseOci, shownReference } from "./reference.ts";
import { readRefusal, type Refusal } from "./refusal.ts";
import { Registry } from "./registry.ts";

/** An index may be of indexes. */
const deepest = 4;

/**
 * The layers of an artifact or an image, in order (OCI distribution-spec 1.1, "Pull"); of an index those for this
 * machine. A digest may also be that of a single blob.
 * @param url `oci://registry[:port]/repository[:tag][@digest]`
 * @throws Failure `refused`, `integrity`, `source-unavailable`; `configuration` for an unusable Docker configuration
 */
export async function locateOci(url: URL, access: Access): Promise<readonly OciLocation[]> {
  const reference = parseOci(url.href);
  const registry = new Registry(reference, access);
  const shown = shownReference(reference);
  const { digest, tag } = reference;
  const found = await fetchManifest(registry, digest ? shownDigest(digest) : tag!, shown);
  if ("failure" in found) {
    if (!digest) throw registry.failure(found);
    return [await locateBlob(registry, digest, found)];
  }
  const layers = contentLayers(await layersIn(found, registry, shown), shown);
  return layers.map(({ digest: of, size: length, title, mediaType }) =>
    locationOf(registry, of, { length, title, isLayer: isImageLayer(mediaType) }),
  );
}

async function fetchManifest(registry: Registry, name: string, shown: string): Promise<Manifest | Refusal> {
  using response = await registry.ask({ path: `manifests/${name}`, accept: manifestTypes });
  return response.status === 200
    ? parseManifest(await readBody(response), parseDigest(name), shown)
    : await readRefusal(response);
}

async function layersIn(
  manifest: Manifest,
  registry: Registry,
  shown: string,
): Promise<readonly Descriptor[]> {
  let found = manifest;
  for (let depth = 1; "entries" in found; depth++) {
    if (depth > deepest) throw tooDeep(shown);
    found = await fetchEntry(chooseEntry(found.entries, shown), registry, shown);
  }
  return found.layers;
}

async function fetchEntry({ digest }: Descriptor, registry: Registry, shown: string): Promise<Manifest> {
  const name = shownDigest(digest);
  const found = await fetchManifest(registry, name, `${shown} (${name})`);
  if (!("failure" in found)) return found;
  if (found.status !== 404) throw registry.failure(found);
  throw new Failure("refused", `${shown}: its index lists ${name}, which the registry does not have`, {
    kind: "http:404",
    hint: "it was pushed or copied in part, or cleaned up since: push it again with all of its platforms",
  });
}

const tooDeep = (shown: string): Failure =>
  new Failure("refused", `${shown}: it is an index of indexes, more than ${deepest} deep`, {
    kind: "manifest",
    hint: "name one of its manifests by digest",
  });
