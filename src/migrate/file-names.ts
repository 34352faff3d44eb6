import { parseVersion, type Version } from "./version.ts";

/** Names that another tool gives its files, beside those that are known anyway. */
export interface FileNames {
  /** Its version is the first group; underscores in it are dots. */
  readonly versioned?: RegExp;
  /** What undoes a migration, or is for an empty database only. */
  readonly ignored?: RegExp;
  /** Migrations that are programs; their version is the first group. */
  readonly program?: RegExp;
}

/** A migration in JavaScript or TypeScript. */
export const javascript = /^([0-9]+).*(?<!\.d)\.[cm]?[jt]s$/i;

const known: FileNames = {
  versioned: /^(?:V([0-9]+(?:\.[0-9]+)*)__.*|([0-9]+(?:\.[0-9]+)*)(?:[-_.].*)?)\.sql$/i,
};

/** The version in the name of an SQL file, or of a program. */
export function versionIn(
  name: string,
  others: readonly FileNames[],
  what: "versioned" | "program" = "versioned",
): Version | undefined {
  for (const names of [known, ...others]) {
    const groups = names[what]?.exec(name)?.slice(1);
    const version = groups?.find((group) => group !== undefined);
    if (version !== undefined) return parseVersion(version.replaceAll("_", "."));
  }
  return undefined;
}
