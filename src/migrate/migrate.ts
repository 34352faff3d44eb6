import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { count, formatMs, serverWords } from "../format.ts";
import { interrupted } from "../net/errors.ts";
import type { Notice, Session } from "../postgres/session.ts";
import { readDatabaseSettings } from "../postgres/read-settings.ts";
import type { DatabaseSettings } from "../postgres/settings.ts";
import { type Context, done, type Log, type Result, unchanged } from "../task.ts";
import type { ToolName } from "./adopt/names.ts";
import type { Tool } from "./adopt/tool.ts";
import { toolsNamed } from "./adopt/tools.ts";
import { rollBack, type Work } from "./apply.ts";
import { applyFile } from "./apply-file.ts";
import { type MigrationSource, readMigrations } from "./files.ts";
import { createHistory, findHistory, type HistoryPlace, lockKeyOf, readHistory } from "./history.ts";
import { type Applied, comparePlan, type HistoryPlan, type Pending } from "./history-plan.ts";
import { acquireLock } from "./lock.ts";
import { openDatabase, openOrCreate } from "./open.ts";
import { reasonFor } from "./reason.ts";
import { readScript, type ScriptFile } from "./script-file.ts";
import { sessionNeedIn, sessionRefusal } from "./session-needs.ts";
import { spanFor } from "./span.ts";
import { described, findStart, recordStart, refuseUnusableStart, type Start } from "./start.ts";
import { prepareSession } from "./surroundings.ts";
import type { Variables } from "./variables.ts";
import type { Version } from "./version.ts";

export interface MigrateOptions {
  readonly dir: string;
  readonly database: string | undefined;
  readonly table: string;
  readonly schema: string | undefined;
  readonly createDatabase: boolean;
  /** In milliseconds, `Infinity` for no limit of its own. */
  readonly lockTimeout: number;
  readonly statementTimeout: number;
  readonly to: Version | undefined;
  readonly variables: Variables;
  readonly baseline: Version | undefined;
  readonly adopt: readonly (ToolName | "auto")[];
  readonly outOfOrder: boolean;
  readonly waitOnly: boolean;
  readonly dryRun: boolean;
}

/** What the attempts of one step share. */
interface Step {
  readonly context: Context;
  readonly options: MigrateOptions;
  readonly settings: DatabaseSettings;
  readonly source: MigrationSource;
  readonly tools: readonly Tool[];
  readonly appliedBy: string;
  readonly applied: string[];
  /** What the history began with, where this step has recorded it. */
  started: Start | undefined;
  readonly warned: Set<string>;
  /** When the wait for the lock began. */
  waitingSince: number | undefined;
}

/**
 * Applies what is pending; attempts follow each other while the database is unavailable.
 * @throws Failure `configuration`, `database-unavailable`, `refused`, `sql`, `history`, `access`, `io`
 */
export async function migrate(context: Context, options: MigrateOptions): Promise<Result> {
  const settings = await readDatabaseSettings(options.database, context.env);
  const tools = toolsNamed(options.adopt);
  const names = tools.flatMap(({ files }) => files ?? []);
  const source = await readMigrations(options.dir, names);
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

/** What was applied before the failure stays applied. */
function withReport(error: unknown, step: Step): unknown {
  if (!(error instanceof Failure) || (step.applied.length === 0 && !step.started)) return error;
  return new Failure(error.code, error.message, { ...error.options, report: reportOf(step) });
}

const reportOf = ({ applied, started }: Step): Record<string, unknown> => ({ ...started?.report, applied });

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
  const scripts = await readScripts(plan, options);
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

interface Look {
  readonly place: HistoryPlace;
  readonly plan: HistoryPlan;
  /** What is to be recorded before anything is applied. */
  readonly start: Start | undefined;
}

const isSettled = ({ plan, start }: Look, { waitOnly }: MigrateOptions): boolean =>
  plan.pending.length === 0 && (start === undefined || waitOnly);

/** Finds out what is pending, without a lock and without a change. */
async function look(step: Step, session: Session): Promise<Look> {
  const { options, source, tools, appliedBy } = step;
  const { table, schema, baseline } = options;
  const place = await findHistory(session, { table, schema, applicationName: appliedBy });
  const history = await readHistory(session, place);
  const { start, warnings } = await findStart(session, source, history, { baseline, tools, schema });
  const plan = planFor(step, [...history, ...(start?.rows ?? [])]);
  return { place, plan: { ...plan, warnings: [...plan.warnings, ...warnings] }, start };
}

const planFor = ({ source, options: { to, outOfOrder } }: Step, history: readonly Applied[]): HistoryPlan =>
  comparePlan(source, history, { to, outOfOrder });

function settled(step: Step): Result {
  const { applied, started, source, options } = step;
  const told = [
    ...(started ? [`${described(started)} recorded`] : []),
    ...(applied.length > 0 ? [`${count(applied.length, "migration")} applied: ${shortened(applied)}`] : []),
  ];
  if (told.length > 0) return done(told.join(", "), reportOf(step));
  const upTo = options.to === undefined ? "" : ` up to ${options.to}`;
  return unchanged(`nothing is pending (${count(source.migrations.length, "migration")}${upTo})`, {
    applied,
  });
}

const maxNamed = 5;

const shortened = (names: readonly string[]): string =>
  names.length > maxNamed ? `${names[0]} to ${names.at(-1)}` : names.join(", ");

function stillPending({ pending }: HistoryPlan): Failure {
  const [first] = pending;
  return new Failure(
    "database-unavailable",
    `${count(pending.length, "migration")} pending, the first is ${first!.migration.name}`,
    {
      kind: "pending",
      hint: "wait-only applies nothing: look at the Job or pod that does, and at its image",
    },
  );
}

const standby = ({ where }: Session): Failure =>
  new Failure("database-unavailable", `${where}: the server is a standby, which cannot be written to`, {
    kind: "standby",
    hint: "point the URL to the primary (often the Service that ends in -rw), or list all servers with target_session_attrs=read-write",
  });

/** Every file is read, and refused if need be, before the first one is applied. */
function readScripts({ pending }: HistoryPlan, { variables }: MigrateOptions): Promise<Scripts> {
  return Array.fromAsync(
    pending,
    async (each) => [each.migration.id, await readPending(each, variables)] as const,
  ).then((entries) => new Map(entries));
}

/** What was begun statement by statement ends so. */
async function readPending({ migration, begun }: Pending, variables: Variables): Promise<ScriptFile> {
  const file = await readScript(migration, variables);
  return { ...file, transaction: file.transaction && !begun };
}

const maxListed = 8;

function listed({ context: { log } }: Step, { plan: { pending }, start }: Omit<Look, "place">): Result {
  const names = pending.map(({ migration }) => migration.name);
  if (start) log.info(`would record ${described(start)} as applied`);
  for (const each of pending.slice(0, maxListed))
    log.info(`would apply ${each.migration.name}: ${reasonFor(each)}`);
  if (names.length > maxListed)
    log.info(`would apply ${names.length - maxListed} more, the last is ${names.at(-1)}`);
  const report = { ...start?.report, pending: names };
  return unchanged(`dry run: ${count(names.length, "migration")} would be applied`, report);
}

/** The lock is given up a moment before the step's time ends, so that the failure can name the holder. */
const marginMs = 100;

async function takeLock(step: Step, { session, place, span }: Work, signal: AbortSignal): Promise<boolean> {
  const { log, policy } = step.context;
  step.waitingSince ??= now();
  const limit = step.waitingSince + step.options.lockTimeout;
  const end = policy.endsAt - marginMs;
  const taken = await acquireLock(session, {
    key: lockKeyOf(place),
    span,
    until: Math.min(limit, end),
    final: limit < end,
    signal,
    log,
    nothingLeft: async () => isSettled(await look(step, session), step.options),
  });
  step.waitingSince = undefined;
  return taken;
}

type Scripts = ReadonlyMap<string, ScriptFile>;

/** Under the lock, the history is looked at anew. */
async function applyAll(step: Step, work: Work, scripts: Scripts, signal: AbortSignal): Promise<void> {
  if (!(await takeLock(step, work, signal))) return;
  const { place, plan } = await lookAndStart(step, work.session);
  if (!place.exists) await createHistory(work.session, place);
  const before = step.applied.length;
  for (const [index, pending] of plan.pending.entries()) {
    work.log.progress(`applying ${index + 1} of ${plan.pending.length}: ${pending.migration.name}`);
    await applyNext(step, { ...work, place }, pending, { scripts, signal, before });
  }
}

/** Behind a pooler, each transaction may have another session of the server, so each file takes a lock of its own. */
async function applyEach(step: Step, work: Work, scripts: Scripts, signal: AbortSignal): Promise<void> {
  const before = step.applied.length;
  const { session } = work;
  try {
    while (await takeLock(step, work, signal)) {
      const { place, plan, start } = await look(step, session);
      if (start) {
        await record(step, session, start);
        continue;
      }
      const [pending] = plan.pending;
      if (!pending) return;
      if (!place.exists) await createHistory(session, place);
      work.log.progress(`applying the next of ${plan.pending.length}: ${pending.migration.name}`);
      await applyNext(step, { ...work, place }, pending, { scripts, signal, before });
    }
  } finally {
    await rollBack(session);
  }
}

interface Progress {
  readonly scripts: Scripts;
  readonly signal: AbortSignal;
  /** How many files earlier attempts have applied. */
  readonly before: number;
}

async function applyNext(
  step: Step,
  work: Work,
  pending: Pending,
  { scripts, signal, before }: Progress,
): Promise<void> {
  const { name, id } = pending.migration;
  try {
    const file = (!pending.begun && scripts.get(id)) || (await readPending(pending, step.options.variables));
    const need = work.span === "transaction" ? sessionNeedIn([file]) : undefined;
    if (need !== undefined) throw sessionRefusal(need, work.session.where);
    await applyOne(work, file, pending);
    step.applied.push(name);
  } catch (error) {
    throw inContext(error, name, signal, step.applied.length > before);
  }
}

/** What the history begins with is recorded first. */
async function lookAndStart(step: Step, session: Session): Promise<Look> {
  const first = await look(step, session);
  if (!first.start) return first;
  await record(step, session, first.start);
  return await look(step, session);
}

async function record(step: Step, session: Session, start: Start): Promise<void> {
  step.started = await recordStart(session, start, () => look(step, session), step.context.log);
}

async function applyOne(work: Work, file: ScriptFile, { begun, migration }: Pending): Promise<void> {
  const startedAt = now();
  work.session.onNotice = (notice) => tell(work.log, migration.name, notice);
  await applyFile(work, file, begun);
  work.session.onNotice = () => {};
  work.log.debug(`applied ${migration.name} in ${formatMs(now() - startedAt)}`);
}

function tell(log: Log, name: string, { severity, message }: Notice): void {
  const text = `${name}: ${severity}: ${serverWords(message ?? "")}`;
  if (severity === "WARNING") log.warn(text);
  else if (severity?.startsWith("DEBUG")) log.debug(text);
  else log.info(text);
}

/** The same failure, with the file where time ran out, and whether the attempt came any further. */
function inContext(error: unknown, name: string, signal: AbortSignal, progressed: boolean): unknown {
  const hint = "the statement was cancelled; raise timeout if it takes that long when all is well";
  const failure = signal.aborted
    ? interrupted(signal, "database-unavailable", `applying ${name}`, { kind: "cut-off", hint })
    : error;
  if (!(failure instanceof Failure) || failure.permanent) return failure;
  return new Failure(failure.code, failure.message, { ...failure.options, progressed });
}
