import { createHash } from "node:crypto";
import { Failure } from "../../failure.ts";
import { formatBytes, quote } from "../../format.ts";
import { at, listAt, numberAt } from "../../json-fields.ts";
import { type Digest, shownDigest } from "../checksum.ts";
import { type Descriptor, parseDescriptor } from "./descriptor.ts";

/** What is accepted in the place of a manifest: of OCI image-spec 1.1, and of Docker's Image Manifest V2, Schema 2. */
export const manifestTypes = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
];

export type Manifest =
  | { readonly layers: readonly Descriptor[] }
  | { readonly entries: readonly Descriptor[] };

/**
 * Reads a manifest or an index.
 * @param wanted the digest that its bytes must have
 * @param shown what it is, for messages
 * @throws Failure `integrity` for bytes with another digest, `refused` for what is neither
 */
export function parseManifest(bytes: Buffer, wanted: Digest | undefined, shown: string): Manifest {
  if (wanted) checkDigest(bytes, wanted, shown);
  const document = parsed(bytes);
  const [layers, entries] = [at(document, "layers"), at(document, "manifests")];
  if (numberAt(document, "schemaVersion") === 1) throw tooOld(shown);
  // What can be read as both is read differently by others (CVE-2021-41190).
  if (Array.isArray(layers) === Array.isArray(entries)) throw notOne(shown);
  return Array.isArray(layers)
    ? { layers: descriptorsIn(document, "layers", shown) }
    : { entries: descriptorsIn(document, "manifests", shown) };
}

function checkDigest(bytes: Buffer, wanted: Digest, shown: string): void {
  const found = createHash(wanted.algorithm).update(bytes).digest("hex");
  if (found === wanted.hex) return;
  throw new Failure(
    "integrity",
    `${shown}: the manifest's ${wanted.algorithm} is ${found}, not ${wanted.hex}`,
    {
      kind: "checksum",
      hint: "the registry, or a cache or proxy before it, answers with something else: compare with the publisher's digest",
    },
  );
}

function parsed(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

const tooOld = (shown: string): Failure =>
  new Failure("refused", `${shown}: its manifest is of Docker's schema 1, which is not supported`, {
    kind: "manifest",
    hint: "push it again with a current tool; that makes a manifest of schema 2 or of OCI",
  });

const notOne = (shown: string): Failure =>
  new Failure("refused", `${shown}: the answer is no manifest`, {
    kind: "manifest",
    hint: "check the host and the port: something other than a registry may answer there, a login page for one",
  });

function descriptorsIn(document: unknown, key: string, shown: string): Descriptor[] {
  return listAt(document, key).map((value) => {
    const descriptor = parseDescriptor(value);
    if (descriptor) return descriptor;
    throw new Failure("refused", `${shown}: its manifest has an entry in ${key} without a digest or a size`, {
      kind: "manifest",
      hint: "digests are sha256 or sha512; push it again with a current tool",
    });
  });
}

/** Where there must be something but is nothing to say (OCI image-spec 1.1, "Guidance for an Empty Descriptor"). */
const emptyType = "application/vnd.oci.empty.v1+json";

/**
 * The layers that have content, in order.
 * @throws Failure `refused` where there is none, or one that the registry does not have
 */
export function contentLayers(layers: readonly Descriptor[], shown: string): readonly Descriptor[] {
  const content = layers.filter(({ mediaType }) => mediaType !== emptyType);
  if (content.length === 0) throw nothingIn(shown);
  const foreign = content.find(isForeign);
  if (foreign) throw elsewhere(foreign, shown);
  return content;
}

/** Whether a layer is a changeset, with whiteouts (OCI image-spec 1.1, layer.md; Docker's Image Manifest V2, Schema 2). */
export const isImageLayer = (mediaType: string): boolean =>
  /^application\/vnd\.(?:oci\.image\.layer\.(?:nondistributable\.)?v1|docker\.image\.rootfs\.(?:foreign\.)?diff)\.tar/.test(
    mediaType,
  );

const isForeign = ({ mediaType, urls }: Descriptor): boolean =>
  urls.length > 0 && /\.(?:foreign|nondistributable)\./.test(mediaType);

const nothingIn = (shown: string): Failure =>
  new Failure("refused", `${shown} has no layers, so there is nothing to download`, {
    kind: "manifest",
    hint: "check the tag: it may name a signature, an attestation or an image FROM scratch",
  });

const elsewhere = ({ digest, mediaType, size }: Descriptor, shown: string): Failure =>
  new Failure(
    "refused",
    `${shown}: the layer ${shownDigest(digest)} (${formatBytes(size)}) of type ${quote(mediaType)} is not to be had from the registry`,
    { kind: "manifest", hint: "it may not be distributed (a base layer of Windows): name another image" },
  );
