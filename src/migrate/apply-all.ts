import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { formatMs, serverWords } from "../format.ts";
import { interrupted } from "../net/errors.ts";
import type { Notice, Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { rollBack, type Work } from "./apply.ts";
import { applyFile } from "./apply-file.ts";
import { createHistory, lockKeyOf } from "./history.ts";
import type { Pending } from "./history-plan.ts";
import { acquireLock } from "./lock.ts";
import { isSettled, look, type Look } from "./look.ts";
import type { ScriptFile } from "./script-file.ts";
import { readPending, type Scripts } from "./scripts.ts";
import { sessionNeedIn, sessionRefusal } from "./session-needs.ts";
import { recordStart, type Start } from "./start.ts";
import type { Step } from "./step.ts";

/** Under the lock, the history is looked at anew. */
export async function applyAll(step: Step, work: Work, scripts: Scripts, signal: AbortSignal): Promise<void> {
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
export async function applyEach(
  step: Step,
  work: Work,
  scripts: Scripts,
  signal: AbortSignal,
): Promise<void> {
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
    const file = (!pending.begun && scripts.get(id)) || readPending(pending, step.options);
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
