import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import type { Session } from "../postgres/session.ts";
import type { Migration } from "./files.ts";
import { bookkeeping } from "./bookkeeping.ts";
import type { Applied } from "./history-plan.ts";
import { compareVersions, type Version } from "./version.ts";

/**
 * A baseline is the version of a file.
 * @throws Failure `configuration` that names the nearest one
 */
export function refuseUnknownBaseline(version: Version, migrations: readonly Migration[]): void {
  const versioned = migrations.filter(({ kind }) => kind === "versioned");
  if (versioned.some(({ id }) => id === version)) return;
  const nearest = versioned.findLast(({ id }) => compareVersions(id, version) < 0) ?? versioned[0];
  throw new Failure("configuration", `no file has the version ${quote(version)} of the baseline`, {
    hint: nearest && `did you mean ${nearest.id} (${nearest.name})?`,
  });
}

/** What to say of a baseline on a database that has a history already. */
export function baselineWarnings(
  version: Version,
  migrations: readonly Migration[],
  history: readonly Applied[],
): string[] {
  const isKnown = history.some((row) => row.version === version);
  const name = migrations.find(({ id }) => id === version)?.name ?? version;
  return isKnown
    ? []
    : [`the baseline has no effect: there is a history already, in which ${name} is not applied`];
}

/** A new database has no use for a baseline: what the files would make is missing in it. */
export async function emptyWarnings(session: Session): Promise<string[]> {
  const [row] = await bookkeeping("cannot look for tables", () => session.query(anyTableSql));
  return row?.["some"] === true
    ? []
    : ["the baseline takes files for applied, but no schema of the search path has a table"];
}

const anyTableSql = `
  select exists (
    select from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = any (pg_catalog.current_schemas(false)) and c.relkind in ('r', 'p', 'f', 'v', 'm')
  ) as some`;
