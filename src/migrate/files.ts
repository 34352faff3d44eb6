import { readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import { fileFailure } from "../system-errors.ts";
import { checksumOf, decodeSql } from "./text.ts";
import { compareVersions, parseVersion, type Version } from "./version.ts";

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
 * @throws Failure `configuration` for names and texts that cannot be used, `access` or `io` for what cannot be read
 */
export async function readMigrations(path: string): Promise<MigrationSource> {
  const folder = await isFolder(path);
  const named = folder ? await filesIn(path) : [single(path)];
  refuseUnversioned(named, path);
  refuseDuplicates(named);
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
async function filesIn(folder: string): Promise<(NamedFile | string)[]> {
  const entries = await list(folder);
  const sql = entries.filter((name) => /\.sql$/i.test(name) && !name.startsWith("."));
  const up = sql.filter((name) => !/\.down\.sql$/i.test(name));
  const files = await Array.fromAsync(up, async (name) =>
    (await isFolder(join(folder, name))) ? [] : [name],
  );
  return files.flat().map((name) => parseName(name, join(folder, name)) ?? name);
}

async function list(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    throw fileFailure(`cannot list the migrations in ${quote(folder)}`, error);
  }
}

const versioned = /^(?:V([0-9]+(?:\.[0-9]+)*)__.*|([0-9]+(?:\.[0-9]+)*)(?:[-_.].*)?)\.sql$/i;
const repeatable = /^R__.+\.sql$/;

function parseName(name: string, path: string): NamedFile | undefined {
  if (repeatable.test(name)) return { kind: "repeatable", id: name.replace(/\.sql$/, ""), name, path };
  const [, withPrefix, plain] = versioned.exec(name) ?? [];
  const version = withPrefix ?? plain;
  return version === undefined ? undefined : { kind: "versioned", id: parseVersion(version), name, path };
}

function single(path: string): NamedFile {
  const name = basename(path);
  return parseName(name, path) ?? { kind: "single", id: name, name, path };
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

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw fileFailure(`cannot read the migration ${quote(path)}`, error);
  }
}
