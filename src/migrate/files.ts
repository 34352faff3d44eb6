import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { type FileNames, versionIn } from "./file-names.ts";
import { checksumOf, decodeSql } from "./text.ts";
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
export async function readMigrations(
  path: string,
  names: readonly FileNames[] = [],
): Promise<MigrationSource> {
  const folder = await isFolder(path);
  const entries = folder ? await list(path) : [];
  const named = folder ? await filesAmong(entries, path, names) : [single(path, names)];
  refuseUnversioned(named, path);
  refuseDuplicates(named);
  refusePrograms(entries, named, names);
  const migrations = await Array.fromAsync(named.toSorted(byOrder), withChecksum);
  return { migrations, folder };
}

type NamedFile = Omit<Migration, "checksum">;

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    throw fileFailure(`cannot read the migrations ${quote(path)}`, error);
  }
}

/** Names with a dot in front are those of editors, of macOS, and kubelet's own in ConfigMap mounts. */
async function filesAmong(
  entries: readonly string[],
  folder: string,
  names: readonly FileNames[],
): Promise<(NamedFile | string)[]> {
  const sql = entries.filter((name) => /\.sql$/i.test(name) && !name.startsWith("."));
  const ignored = [/\.down\.sql$/i, ...names.flatMap((other) => other.ignored ?? [])];
  const up = sql.filter((name) => !ignored.some((pattern) => pattern.test(name)));
  const files = await Array.fromAsync(up, async (name) =>
    (await isFolder(join(folder, name))) ? [] : [name],
  );
  return files.flat().map((name) => parseName(name, join(folder, name), names) ?? name);
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
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
  entries: readonly string[],
  files: readonly NamedFile[],
  names: readonly FileNames[],
): void {
  const versions = new Set(files.map(({ id }) => id));
  const programs = entries.filter((name) => {
    const version = versionIn(name, names, "program");
    return version !== undefined && !versions.has(version);
  });
  const [first] = programs;
  if (first === undefined) return;
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

async function withChecksum(file: NamedFile): Promise<Migration> {
  return { ...file, checksum: checksumOf(await readSql(file)) };
}

/**
 * The text of a migration, without a BOM.
 * @throws Failure `configuration` where it is not UTF-8
 */
export async function readSql({ name, path }: Pick<Migration, "name" | "path">): Promise<string> {
  return decodeSql(name, await readBytes(path));
}

/** @throws Failure `access` or `io` */
export async function readBytes(path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileFailure(`cannot read the migration ${quote(path)}`, error);
  }
}
