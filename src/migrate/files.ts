import { type Dirent, readdirSync, statSync } from "node:fs";
import { basename, join } from "node:path";
import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type FileNames, versionIn } from "./file-names.ts";
import { readBytes } from "./read-file.ts";
import { checksumOf, refuseUnreadable } from "./text.ts";
import { compareVersions, type Version } from "./version.ts";

type MigrationKind = "versioned" | "repeatable" | "single";

/** One file of migrations. */
export interface Migration {
  readonly kind: MigrationKind;
  /** What tells it from all others in the history: its version, else its name. */
  readonly id: string;
  /** The name of the file. */
  readonly name: string;
  readonly path: string;
  readonly checksum: string;
}

export interface MigrationSource {
  /** In the order of application. */
  readonly migrations: readonly Migration[];
  /** Whether it is a folder, so that a version without a file means something. */
  readonly folder: boolean;
}

/**
 * The migrations of a folder, or the one in a single file.
 * @param names those that other tools give their files
 * @throws Failure `configuration` for names and texts that cannot be used, `access` or `io` for what cannot be read
 */
export function readMigrations(path: string, names: readonly FileNames[] = []): MigrationSource {
  const folder = isFolder(path);
  const entries = folder ? list(path) : [];
  const named = folder ? filesAmong(entries, path, names) : [single(path, names)];
  refuseUnversioned(named, path);
  refuseDuplicates(named);
  refusePrograms(entries, named, names);
  return { migrations: named.toSorted(byOrder).map(withChecksum), folder };
}

type NamedFile = Omit<Migration, "checksum">;

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch (error) {
    throw fileFailure(`cannot read the migrations ${quote(path)}`, error);
  }
}

/** Names with a dot in front are those of editors, of macOS, and kubelet's own in ConfigMap mounts. */
function filesAmong(
  entries: readonly Dirent[],
  folder: string,
  names: readonly FileNames[],
): (NamedFile | string)[] {
  const sql = entries.filter(({ name }) => /\.sql$/i.test(name) && !name.startsWith("."));
  const ignored = [/\.down\.sql$/i, ...names.flatMap((other) => other.ignored ?? [])];
  const up = sql.filter(({ name }) => !ignored.some((pattern) => pattern.test(name)));
  return up.map(({ name }) => parseName(name, join(folder, name), names) ?? name);
}

function list(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  } catch (error) {
    throw fileFailure(`cannot list the migrations in ${quote(folder)}`, error);
  }
}

const repeatable = /^R__.+\.sql$/;

function parseName(name: string, path: string, names: readonly FileNames[]): NamedFile | undefined {
  if (repeatable.test(name)) return { kind: "repeatable", id: name.replace(/\.sql$/, ""), name, path };
  const id = versionIn(name, names);
  return id === undefined ? undefined : { kind: "versioned", id, name, path };
}

function single(path: string, names: readonly FileNames[]): NamedFile {
  const name = basename(path);
  return parseName(name, path, names) ?? { kind: "single", id: name, name, path };
}

function refuseUnversioned(
  files: readonly (NamedFile | string)[],
  folder: string,
): asserts files is readonly NamedFile[] {
  const names = files.filter((file) => typeof file === "string");
  if (names.length === 0) return;
  throw new Failure(
    "configuration",
    `no version in the name of ${names.map(quote).join(", ")} in ${quote(folder)}`,
    {
      hint: "name it VERSION_name.sql (0001_users.sql), or R__name.sql to repeat it whenever it changes",
    },
  );
}

function refuseDuplicates(files: readonly NamedFile[]): void {
  for (const [id, same] of Map.groupBy(files, (file) => file.id)) {
    if (same.length < 2) continue;
    const names = same.map(({ name }) => quote(name)).join(" and ");
    throw new Failure("configuration", `${names} have the same version, ${id}`, {
      hint: "give one of them a version of its own",
    });
  }
}

/** A program beside an SQL file of its version is what that file stands for. */
function refusePrograms(
  entries: readonly Dirent[],
  files: readonly NamedFile[],
  names: readonly FileNames[],
): void {
  const versions = new Set(files.map(({ id }) => id));
  const programs = entries.filter(({ name }) => {
    const version = versionIn(name, names, "program");
    return version !== undefined && !versions.has(version);
  });
  if (programs.length === 0) return;
  const first = programs[0]!.name;
  const others = programs.length > 1 ? ` and ${count(programs.length - 1, "other")}` : "";
  throw new Failure("configuration", `${quote(first)}${others}: a migration that is a program, not SQL`, {
    hint: `write it in SQL as well (${quote(first.replace(/\.[^.]+$/, ".sql"))}), which is not run where the program was applied; or, where all programs are applied everywhere, leave adopt out, and let the folder hold SQL files only`,
  });
}

function byOrder(a: NamedFile, b: NamedFile): number {
  if (a.kind === "versioned" && b.kind === "versioned")
    return compareVersions(a.id as Version, b.id as Version);
  if (a.kind !== b.kind) return a.kind === "versioned" ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

function withChecksum(file: NamedFile): Migration {
  const bytes = readBytes(file.path);
  refuseUnreadable(file.name, bytes);
  return { ...file, checksum: checksumOf(bytes) };
}
