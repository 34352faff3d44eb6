import { Failure } from "../failure.ts";
import { formatBytes } from "../format.ts";

/** The bytes are not what their format says. */
export function corrupt(what: string): Failure {
  return new Failure("integrity", `the archive is corrupt: ${what}`, {
    kind: "corrupt",
    hint: "compare its sha256 with that of the original, and build or fetch it again",
  });
}

/** Extracting it could touch what is outside the folder, or would make what no volume should hold. */
export function unsafe(what: string, hint = exclude): Failure {
  return new Failure("integrity", `the archive is unsafe: ${what}; nothing was extracted`, {
    kind: "unsafe",
    hint,
  });
}

const exclude = "repack it without that entry, or leave the entry out with exclude if you trust the rest";

/** A feature of the format that would come out wrong. */
export function unsupported(what: string, hint: string): Failure {
  return new Failure("integrity", `${what}, which initkit cannot extract`, { kind: "unsupported", hint });
}

/** More than a limit that keeps a volume from being filled. */
export function tooMuch(what: string, option: string, limit: number): Failure {
  const shown = option === "max-entries" ? String(limit) : formatBytes(limit);
  return new Failure("integrity", `${what} exceeds ${option} (${shown})`, {
    kind: "oversized",
    hint: `raise ${option} if it may be that large`,
  });
}
