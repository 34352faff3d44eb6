import { readDatabaseSettings } from "../postgres/read-settings.ts";
import type { Context, Result } from "../task.ts";
import type { Tool } from "./adopt/tool.ts";
import { applyAll, applyEach } from "./apply-all.ts";
import { readMigrations } from "./files.ts";
import type { HistoryPlan } from "./history-plan.ts";
import { isSettled, look, planFor } from "./look.ts";
import { openDatabase, openOrCreate } from "./open.ts";
import { listed, settled, standby, stillPending, withReport } from "./outcome.ts";
import { readScripts } from "./scripts.ts";
import { spanFor } from "./span.ts";
import { refuseUnusableStart } from "./start.ts";
import type { MigrateOptions, Step } from "./step.ts";
import { prepareSession } from "./surroundings.ts";

/**
 * Applies what is pending; attempts follow each other while the database is unavailable.
 * @throws Failure `configuration`, `database-unavailable`, `refused`, `sql`, `history`, `access`, `io`
 */
export async function migrate(context: Context, options: MigrateOptions): Promise<Result> {
  const settings = await readDatabaseSettings(options.database, context.env);
  const tools = await toolsFor(options);
  const names = tools.flatMap(({ files }) => files ?? []);
  const source = readMigrations(options.dir, names);
  refuseUnusableStart(source, { baseline: options.baseline, tools }, options.dir);
  if (source.migrations.length === 0) context.log.warn(`no migration in ${options.dir}`);
  const pod = context.env["HOSTNAME"];
  const appliedBy = pod ? `initkit/${pod}` : "initkit";
  const step: Step = {
    context,
    options,
    settings,
    source,
    tools,
    appliedBy,
    applied: [],
    started: undefined,
    warned: new Set(),
    waitingSince: undefined,
  };
  try {
    return await context.retry((signal) => attempt(step, signal));
  } catch (error) {
    throw withReport(error, step);
  }
}

/** Most databases have no other tool to be adopted from. */
async function toolsFor({ adopt }: MigrateOptions): Promise<Tool[]> {
  if (adopt.length === 0) return [];
  const { toolsNamed } = await import("./adopt/tools.ts");
  return toolsNamed(adopt);
}

async function attempt(step: Step, signal: AbortSignal): Promise<Result> {
  const { options, context } = step;
  const database = { settings: step.settings, applicationName: step.appliedBy, env: context.env, signal };
  context.log.progress("connecting to the database");
  await using session = await openOrCreate(database, options, context.log);
  if (!session) return listed(step, { plan: planFor(step, []), start: undefined });
  const first = await look(step, session);
  const { place, plan } = first;
  warnOnce(step, plan);
  if (isSettled(first, options)) return settled(step);
  if (options.waitOnly) throw stillPending(plan);
  const scripts = readScripts(plan, step);
  if (options.dryRun) return listed(step, first);

  if (place.standby) throw standby(session);
  const span = await spanFor(session, scripts.values(), () => openDatabase(database));
  const settings = await prepareSession(session, options, span);
  const work = { session, span, settings, appliedBy: step.appliedBy, log: context.log } as const;
  const apply = span === "transaction" ? applyEach : applyAll;
  await apply(step, { ...work, place }, scripts, signal);
  return settled(step);
}

function warnOnce({ context, warned }: Step, { warnings }: HistoryPlan): void {
  for (const warning of warnings) if (!warned.has(warning)) context.log.warn(warning);
  for (const warning of warnings) warned.add(warning);
}
