import { Failure } from "../../failure.ts";
import { quote } from "../../format.ts";
import type { Session } from "../../postgres/session.ts";
import type { Migration, MigrationSource } from "../files.ts";
import { type Applied, unknownChecksum } from "../history-plan.ts";
import { readBytes } from "../read-file.ts";
import { compareVersions, type Version } from "../version.ts";
import { lockTool } from "./locks.ts";
import { recognise, type Recognised } from "./recognise.ts";
import type { ForeignHistory, ForeignRow, Tool } from "./tool.ts";

/** What another tool has applied, as rows for our history. */
export interface Adoption extends Recognised {
  readonly rows: readonly Applied[];
}

/**
 * Finds out what one of the tools has applied; undefined where none of them has been here. Changes nothing.
 * @throws Failure `history` where the tool's history is not clean, or does not fit the files
 */
export async function findAdoption(
  session: Session,
  tools: readonly Tool[],
  schema: string | undefined,
  { migrations }: MigrationSource,
): Promise<Adoption | undefined> {
  const found = await recognise(session, tools, schema);
  if (!found) return undefined;
  const history = await readClean(session, found);
  refuseUnreached(found.tool, history, migrations);
  const upTo = migrations.filter((migration) => isUpTo(migration, history.upTo)).map(asApplied);
  const rows = history.rows.flatMap((row) => appliedRow(row, migrations));
  const byVersion = new Map([...upTo, ...rows].map((row) => [row.version, row]));
  return { ...found, rows: [...byVersion.values()] };
}

/** While a tool is migrating, its history may look as if it had failed. */
async function readClean(session: Session, { tool, table }: Recognised): Promise<ForeignHistory> {
  try {
    return await tool.read(session, table);
  } catch (error) {
    if (error instanceof Failure && error.code === "history") await lockTool(session, { tool, table });
    throw error;
  }
}

/** Whether everything up to a version counts as applied files never do. */
export const isUpTo = ({ kind, id }: Migration, version: Version | undefined): boolean =>
  kind === "versioned" && version !== undefined && compareVersions(id, version) <= 0;

/** What the history says of a file that is applied as it stands. */
export const asApplied = ({ id, name, kind, checksum }: Migration): Applied => ({
  version: id,
  name,
  kind,
  checksum,
  state: "done",
  statements_started: 0,
  statements_done: 0,
  done_checksum: null,
});

/** A repeatable file that has changed, or is gone, is left to be applied. */
function appliedRow(row: ForeignRow, migrations: readonly Migration[]): Applied[] {
  const { id, name, kind, isOf } = row;
  const migration = migrations.find((each) => each.id === id);
  const isSame = migration && (!isOf || isOf(readBytes(migration.path)));
  if (isSame) return [asApplied(migration)];
  if (kind === "repeatable") return [];
  const checksum = migration ? `another, by ${name}` : unknownChecksum;
  return [asApplied({ id, name, kind, checksum, path: "" })];
}

/** Where only the newest version is known, what comes before it is known by its files. */
function refuseUnreached(
  { name }: Tool,
  { upTo, fileNeeded }: ForeignHistory,
  migrations: readonly Migration[],
): void {
  if (upTo === undefined || !fileNeeded || migrations.some(({ id }) => id === upTo)) return;
  throw new Failure("history", `${name} has applied everything up to ${quote(upTo)}, which no file has`, {
    hint: "put the missing file back into the image or ConfigMap; an older image cannot be the first to adopt",
  });
}
