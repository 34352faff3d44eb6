import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { count, formatMs } from "../format.ts";
import { interrupted } from "../net/errors.ts";
import { serverWords } from "../format.ts";
import { type Notice, openSession, type Session } from "../postgres/session.ts";
import { databaseSettings } from "../postgres/settings.ts";
import { type Context, done, type Log, type Result, unchanged } from "../task.ts";
import type { Work } from "./apply.ts";
import { applyFile } from "./apply-file.ts";
import { type MigrationSource, readMigrations } from "./files.ts";
import { createHistory, findHistory, type HistoryPlace, lockKeyOf, readHistory } from "./history.ts";
import { comparePlan, type HistoryPlan, type Pending } from "./history-plan.ts";
import { acquireLock } from "./lock.ts";
import { refuseTransactionPooler } from "./pooler.ts";
import { reasonFor } from "./reason.ts";
import { readScript, type ScriptFile } from "./script-file.ts";
import { prepareSession } from "./surroundings.ts";
import type { Variables } from "./variables.ts";
import type { Version } from "./version.ts";

export interface MigrateOptions {
  readonly dir: string;
  readonly database: string | undefined;
  readonly table: string;
  readonly schema: string | undefined;
  /** In milliseconds, `Infinity` for no limit of its own. */
  readonly lockTimeout: number;
  readonly statementTimeout: number;
  readonly to: Version | undefined;
  readonly variables: Variables;
  readonly outOfOrder: boolean;
  readonly waitOnly: boolean;
  readonly dryRun: boolean;
}

/** What the attempts of one step share. */
interface Step {
  readonly context: Context;
  readonly options: MigrateOptions;
  readonly source: MigrationSource;
  readonly appliedBy: string;
  readonly applied: string[];
  readonly warned: Set<string>;
  /** When the wait for the lock began. */
  waitingSince: number | undefined;
}

/**
 * Applies what is pending; attempts follow each other while the database is unavailable.
 * @throws Failure `configuration`, `database-unavailable`, `refused`, `sql`, `history`, `access`, `io`
 */
export async function migrate(context: Context, options: MigrateOptions): Promise<Result> {
  const source = await readMigrations(options.dir);
  if (source.migrations.length === 0) context.log.warn(`no migration in ${options.dir}`);
  const pod = context.env["HOSTNAME"];
  const appliedBy = pod ? `initkit/${pod}` : "initkit";
  const step: Step = {
    context,
    options,
    source,
    appliedBy,
    applied: [],
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
function withReport(error: unknown, { applied }: Step): unknown {
  if (!(error instanceof Failure) || applied.length === 0) return error;
  return new Failure(error.code, error.message, { ...error.options, report: { applied } });
}

async function attempt(step: Step, signal: AbortSignal): Promise<Result> {
  const { options, context } = step;
  const open = () => openDatabase(step, signal);
  context.log.progress("connecting to the database");
  await using session = await open();
  const { place, plan } = await look(step, session);
  warnOnce(step, plan);
  if (plan.pending.length === 0) return settled(step);
  if (options.waitOnly) throw stillPending(plan);
  const scripts = await readScripts(plan, options);
  if (options.dryRun) return listed(step, plan);

  if (place.standby) throw standby(session);
  await refuseTransactionPooler(session, open);
  const settings = await prepareSession(session, options);
  if (!(await takeLock(step, session, place, signal))) return settled(step);
  const work = { session, settings, appliedBy: step.appliedBy, log: context.log };
  await applyAll(step, work, scripts, signal);
  return settled(step);
}

function openDatabase({ options, appliedBy, context: { env } }: Step, signal: AbortSignal): Promise<Session> {
  const settings = databaseSettings(options.database, env);
  return openSession(settings, { applicationName: appliedBy, env, signal });
}

function warnOnce({ context, warned }: Step, { warnings }: HistoryPlan): void {
  for (const warning of warnings) if (!warned.has(warning)) context.log.warn(warning);
  for (const warning of warnings) warned.add(warning);
}

interface Look {
  readonly place: HistoryPlace;
  readonly plan: HistoryPlan;
}

/** Finds out what is pending, without a lock and without a change. */
async function look({ options, source, appliedBy }: Step, session: Session): Promise<Look> {
  const { table, schema, to, outOfOrder } = options;
  const place = await findHistory(session, { table, schema, applicationName: appliedBy });
  const plan = comparePlan(source, await readHistory(session, place), { to, outOfOrder });
  return { place, plan };
}

function settled({ applied, source, options }: Step): Result {
  if (applied.length > 0)
    return done(`${count(applied.length, "migration")} applied: ${shortened(applied)}`, { applied });
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
function readScripts(
  { pending }: HistoryPlan,
  { variables }: MigrateOptions,
): Promise<Map<string, ScriptFile>> {
  return Array.fromAsync(
    pending,
    async ({ migration }) => [migration.id, await readScript(migration, variables)] as const,
  ).then((entries) => new Map(entries));
}

const maxListed = 8;

function listed({ context: { log } }: Step, { pending }: HistoryPlan): Result {
  const names = pending.map(({ migration }) => migration.name);
  for (const each of pending.slice(0, maxListed))
    log.info(`would apply ${each.migration.name}: ${reasonFor(each)}`);
  if (names.length > maxListed)
    log.info(`would apply ${names.length - maxListed} more, the last is ${names.at(-1)}`);
  return unchanged(`dry run: ${count(names.length, "migration")} would be applied`, { pending: names });
}

/** The lock is given up a moment before the step's time ends, so that the failure can name the holder. */
const marginMs = 100;

async function takeLock(
  step: Step,
  session: Session,
  place: HistoryPlace,
  signal: AbortSignal,
): Promise<boolean> {
  const { log, policy } = step.context;
  step.waitingSince ??= now();
  const limit = step.waitingSince + step.options.lockTimeout;
  const end = policy.endsAt - marginMs;
  return await acquireLock(session, {
    key: lockKeyOf(place),
    until: Math.min(limit, end),
    final: limit < end,
    signal,
    log,
    nothingLeft: async () => (await look(step, session)).plan.pending.length === 0,
  });
}

/** Under the lock, the history is looked at anew. */
async function applyAll(
  step: Step,
  work: Omit<Work, "place">,
  scripts: ReadonlyMap<string, ScriptFile>,
  signal: AbortSignal,
): Promise<void> {
  step.waitingSince = undefined;
  const { place, plan } = await look(step, work.session);
  if (!place.exists) await createHistory(work.session, place);
  const before = step.applied.length;
  for (const [index, pending] of plan.pending.entries()) {
    const { name, id } = pending.migration;
    work.log.progress(`applying ${index + 1} of ${plan.pending.length}: ${name}`);
    try {
      const file = scripts.get(id) ?? (await readScript(pending.migration, step.options.variables));
      await applyOne({ ...work, place }, file, pending);
      step.applied.push(name);
    } catch (error) {
      throw inContext(error, name, signal, step.applied.length > before);
    }
  }
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
