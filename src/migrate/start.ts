import { Failure } from "../failure.ts";
import { count, quote } from "../format.ts";
import type { Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { asApplied, findAdoption, isUpTo } from "./adopt/adopt.ts";
import { lockTool } from "./adopt/locks.ts";
import type { Recognised } from "./adopt/recognise.ts";
import type { Tool } from "./adopt/tool.ts";
import { begin } from "./apply.ts";
import { baselineWarnings, emptyWarnings, refuseUnknownBaseline } from "./baseline.ts";
import type { MigrationSource } from "./files.ts";
import { bookkeeping } from "./bookkeeping.ts";
import { recordApplied } from "./history.ts";
import { createHistory, type HistoryPlace } from "./history-place.ts";
import type { Applied } from "./history-plan.ts";
import type { Version } from "./version.ts";

export interface StartOptions {
  readonly baseline: Version | undefined;
  /** Those whose databases are adopted. */
  readonly tools: readonly Tool[];
  readonly schema: string | undefined;
}

/** What a history begins with: migrations that are applied already. */
export interface Start {
  readonly rows: readonly Applied[];
  /** Who has applied them: the name of a tool, or `baseline`. */
  readonly by: string;
  /** Where the rows come from, unless from a baseline. */
  readonly origin?: Recognised;
  /** What becomes part of the step's entry in the report. */
  readonly report: Readonly<Record<string, unknown>>;
}

/**
 * A single file does not tell what else is applied, and a baseline must be the version of a file.
 * @throws Failure `configuration`
 */
export function refuseUnusableStart(
  { folder, migrations }: MigrationSource,
  { baseline, tools }: Omit<StartOptions, "schema">,
  dir: string,
): void {
  if (!folder && (baseline !== undefined || tools.length > 0)) {
    throw new Failure("configuration", `${quote(dir)} is a single file, which cannot say what is applied`, {
      hint: "where adopt or baseline is given, name the folder with all files",
    });
  }
  if (baseline !== undefined) refuseUnknownBaseline(baseline, migrations);
}

/** What a history begins with, and what there is to say of it. */
export interface StartFound {
  /** Undefined for nothing, and for a history that has begun. */
  readonly start: Start | undefined;
  readonly warnings: readonly string[];
}

/**
 * Finds out what a history is to begin with. Changes nothing.
 * @throws Failure `history` where another tool's history is not clean
 */
export async function findStart(
  session: Session,
  source: MigrationSource,
  history: readonly Applied[],
  options: StartOptions,
): Promise<StartFound> {
  const { baseline } = options;
  if (history.some(({ kind }) => kind === "versioned")) {
    const warnings = baseline === undefined ? [] : baselineWarnings(baseline, source.migrations, history);
    return { start: undefined, warnings };
  }
  if (baseline !== undefined) {
    return { start: atBaseline(source, baseline), warnings: await emptyWarnings(session) };
  }
  return { start: await adopted(session, source, history, options), warnings: [] };
}

function atBaseline({ migrations }: MigrationSource, version: Version): Start {
  const rows = migrations.filter((migration) => isUpTo(migration, version)).map(asApplied);
  return { rows, by: "baseline", report: { baseline: { version, migrations: namesOf(rows) } } };
}

async function adopted(
  session: Session,
  source: MigrationSource,
  history: readonly Applied[],
  { tools, schema }: StartOptions,
): Promise<Start | undefined> {
  if (tools.length === 0) return undefined;
  const adoption = await findAdoption(session, tools, schema, source);
  if (!adoption) return undefined;
  const known = new Set(history.map(({ version }) => version));
  const rows = adoption.rows.filter(({ version }) => !known.has(version));
  if (rows.length === 0) return undefined;
  const { tool } = adoption;
  const report = { adopted: { tool: tool.name, migrations: namesOf(rows) } };
  return { rows, by: tool.name, origin: adoption, report };
}

const namesOf = (rows: readonly Applied[]): string[] => rows.map(({ name }) => name);

/** `12 migrations of dbmate`. */
export function described({ rows, by, origin }: Start): string {
  return `${count(rows.length, "migration")} of ${origin ? by : "the baseline"}`;
}

/**
 * Records what the history begins with, in one transaction, in which the other tool's history is read anew under that
 * tool's own lock. Our own lock is held already.
 * @returns what was recorded
 * @throws Failure `database-unavailable` where the tool is migrating
 */
export async function recordStart(
  session: Session,
  seen: Start,
  look: () => Promise<{ place: HistoryPlace; start: Start | undefined }>,
  log: Log,
): Promise<Start | undefined> {
  if (session.transaction === "none") await begin(session);
  if (seen.origin) await lockTool(session, seen.origin);
  const { place, start } = await look();
  if (start) {
    if (!place.exists) await createHistory(session, place);
    await recordApplied(session, place, start.rows, start.by);
  }
  await bookkeeping("cannot commit the history", () => session.query("commit"));
  if (start) log.info(`recorded ${described(start)} as applied`);
  return start;
}
