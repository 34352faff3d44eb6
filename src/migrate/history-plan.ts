import { Failure } from "../failure.ts";
import { quote } from "../format.ts";
import type { Migration, MigrationSource } from "./files.ts";
import { compareVersions, type Version } from "./version.ts";

/** What the history says of one migration. */
export interface Applied {
  /** The `id` of its Migration. */
  readonly version: string;
  readonly name: string;
  readonly kind: Migration["kind"];
  /** `unknownChecksum` where another tool has applied what no file of ours has shown yet. */
  readonly checksum: string;
  /** `running` is a file without a transaction that has not come to its end yet. */
  readonly state: "done" | "running";
  readonly statements_started: number;
  readonly statements_done: number;
  /** Of the text of the statements that are done. */
  readonly done_checksum: string | null;
}

export const unknownChecksum = "";

export interface PlanOptions {
  readonly to: Version | undefined;
  readonly outOfOrder: boolean;
}

export interface Pending {
  readonly migration: Migration;
  /** How far an earlier attempt has come. */
  readonly begun: Applied | undefined;
}

export interface HistoryPlan {
  /** In the order of application. */
  readonly pending: readonly Pending[];
  readonly warnings: readonly string[];
}

/**
 * Compares the files with the history.
 * @throws Failure `history` that names every file that contradicts it
 */
export function comparePlan(
  { migrations, folder }: MigrationSource,
  history: readonly Applied[],
  { to, outOfOrder }: PlanOptions,
): HistoryPlan {
  const rows = new Map(history.map((row) => [row.version, row]));
  const lastFile = newest(migrations.filter(isVersioned).map(({ id }) => id));
  const orphans = folder ? orphansIn(history, migrations) : [];
  const isOlder = ({ version }: Applied) => lastFile !== undefined && compareVersions(version, lastFile) < 0;
  const pending = pendingOf(migrations, rows, to, lastFile);
  const late = outOfOrder ? [] : lateOnes(pending, newestDone(history));
  refuse([
    { ...wasEdited, files: edited(migrations, rows) },
    { ...isGone, files: orphans.filter(isOlder) },
    { ...isLate, files: late },
  ]);
  return { pending, warnings: aheadOf(orphans.filter((row) => !isOlder(row))) };
}

const isVersioned = ({ kind }: { readonly kind: Migration["kind"] }): boolean => kind === "versioned";

const newest = (versions: readonly Version[]): Version | undefined =>
  versions.reduce<Version | undefined>(
    (last, each) => (last === undefined || compareVersions(each, last) > 0 ? each : last),
    undefined,
  );

const newestDone = (history: readonly Applied[]): Version | undefined =>
  newest(history.filter((row) => isVersioned(row) && row.state === "done").map(({ version }) => version));

function orphansIn(history: readonly Applied[], migrations: readonly Migration[]): Applied[] {
  const ids = new Set(migrations.map(({ id }) => id));
  return history
    .filter((row) => isVersioned(row) && !ids.has(row.version))
    .sort((a, b) => compareVersions(a.version, b.version));
}

function edited(migrations: readonly Migration[], rows: ReadonlyMap<string, Applied>): Migration[] {
  return migrations.filter(({ kind, id, checksum }) => {
    const row = rows.get(id);
    const isKnown = kind !== "repeatable" && row?.state === "done" && row.checksum !== unknownChecksum;
    return isKnown && row.checksum !== checksum;
  });
}

/** A repeatable file may need the newest version, so `to` an older one leaves them out. */
function pendingOf(
  migrations: readonly Migration[],
  rows: ReadonlyMap<string, Applied>,
  to: Version | undefined,
  lastFile: Version | undefined,
): Pending[] {
  const reachesAll = to === undefined || lastFile === undefined || compareVersions(lastFile, to) <= 0;
  const wanted = migrations.filter(({ kind, id }) =>
    kind === "versioned" ? to === undefined || compareVersions(id, to) <= 0 : reachesAll,
  );
  return wanted.flatMap((migration) => {
    const row = rows.get(migration.id);
    if (row?.state === "done" && (migration.kind !== "repeatable" || row.checksum === migration.checksum))
      return [];
    return [{ migration, begun: row?.state === "running" ? row : undefined }];
  });
}

function lateOnes(pending: readonly Pending[], last: Version | undefined): Migration[] {
  if (last === undefined) return [];
  const late = pending.filter(
    ({ migration, begun }) => isVersioned(migration) && !begun && compareVersions(migration.id, last) < 0,
  );
  return late.map(({ migration }) => migration);
}

interface Contradiction {
  readonly one: string;
  readonly several: string;
  readonly hint: string;
  readonly files: readonly { readonly name: string }[];
}

const wasEdited = {
  one: "was edited after it was applied",
  several: "were edited after they were applied",
  hint: "restore the file as it was applied, and put the change into a new one with a higher version",
};

const isGone = {
  one: "was applied, but its file is gone",
  several: "were applied, but their files are gone",
  hint: "put the missing file back into the image or ConfigMap",
};

const isLate = {
  one: "is pending, but older than what is applied",
  several: "are pending, but older than what is applied",
  hint: "give it a version above the newest applied one, or let it through with out-of-order",
};

function refuse(contradictions: readonly Contradiction[]): void {
  const found = contradictions.filter(({ files }) => files.length > 0);
  if (found.length === 0) return;
  const told = found.map(
    ({ one, several, files }) => `${listed(files)} ${files.length === 1 ? one : several}`,
  );
  throw new Failure("history", told.join("; "), { hint: found.map(({ hint }) => hint).join("; ") });
}

const maxListed = 10;

function listed(files: readonly { readonly name: string }[]): string {
  const names = files.slice(0, maxListed).map(({ name }) => quote(name));
  const more = files.length - names.length;
  return `${names.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function aheadOf(rows: readonly Applied[]): string[] {
  if (rows.length === 0) return [];
  return [
    `the database is ahead of these files: ${listed(rows)} ${rows.length === 1 ? "is" : "are"} not among them (an older image?)`,
  ];
}
