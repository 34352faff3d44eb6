import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import type { Descriptor, Platform } from "./descriptor.ts";

/** Node's names that are not Go's, which the specification uses (GOARCH). */
const goNames: Record<string, string> = { x64: "amd64", ia32: "386", ppc64: "ppc64le" };

/** The platform of this machine. */
export const ownPlatform = (arch: string = process.arch): Platform => ({
  os: "linux",
  architecture: goNames[arch] ?? arch,
  variant: "",
});

/**
 * The entry of an index (OCI image-spec 1.1, image-index.md) that is for this machine, or the only artifact in it.
 * @param shown the index, for messages
 * @throws Failure `refused` where there is none
 */
export function chooseEntry(
  entries: readonly Descriptor[],
  shown: string,
  platform = ownPlatform(),
): Descriptor {
  const candidates = entries.filter(({ isAttestation }) => !isAttestation);
  const artifacts = candidates.filter((entry) => !entry.platform || entry.artifactType !== "");
  const chosen = bestFor(platform, candidates) ?? (artifacts.length === 1 ? artifacts[0] : undefined);
  if (chosen) return chosen;
  throw new Failure("refused", `${shown} has nothing for ${named(platform)}: ${contentOf(candidates)}`, {
    kind: "platform",
    hint: "run on a node of another architecture, publish it for this one, or name one of its manifests by digest",
  });
}

/** Variants that every machine of the architecture runs come before others. */
function bestFor({ os, architecture }: Platform, entries: readonly Descriptor[]): Descriptor | undefined {
  const fitting = entries.filter(
    ({ platform }) => platform?.os === os && platform.architecture === architecture,
  );
  const baseline = architecture === "arm64" ? ["", "v8"] : ["", "v1"];
  return fitting.find(({ platform }) => baseline.includes(platform!.variant)) ?? fitting[0];
}

function contentOf(entries: readonly Descriptor[]): string {
  if (entries.length === 0) return "its index is empty";
  const names = entries.map(({ platform }) => (platform ? named(platform) : "an artifact"));
  return `its index lists ${quote(names.join(", "))}`;
}

const named = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, variant].filter(Boolean).join("/");
