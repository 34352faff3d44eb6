import { now } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { formatMs } from "../format.ts";
import { interrupted } from "../net/errors.ts";
import type { Session } from "../postgres/session.ts";
import { applyInTransaction, rollBack, type Work } from "./apply.ts";
import { applyFile } from "./apply-file.ts";
import { FileLine } from "./file-line.ts";
import { createHistory, lockKeyOf } from "./history-place.ts";
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
  const files = plan.pending.map((pending) => fileOf(step, pending, scripts));
  const ready = { ...work, place };
  const line = new FileLine(ready, files);
  const before = step.applied.length;
  for (const [index, pending] of plan.pending.entries()) {
    work.log.progress(`applying ${index + 1} of ${plan.pending.length}: ${pending.migration.name}`);
    const inTransaction = () => line.apply(index);
    const apply = () => applyFile(ready, files[index]!, pending.begun, inTransaction);
    await applyOne(step, ready, pending, { signal, before, apply });
  }
}

/** As it was read before the lock was there, unless an earlier attempt has begun it meanwhile. */
const fileOf = (step: Step, pending: Pending, scripts: Scripts): ScriptFile =>
  (!pending.begun && scripts.get(pending.migration.id)) || readPending(pending, step);

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
      const ready = { ...work, place };
      const apply = () => applyPooled(ready, fileOf(step, pending, scripts), pending);
      await applyOne(step, ready, pending, { signal, before, apply });
    }
  } finally {
    await rollBack(session);
  }
}

async function applyPooled(work: Work, file: ScriptFile, { begun }: Pending): Promise<void> {
  const need = sessionNeedIn([file]);
  if (need !== undefined) throw sessionRefusal(need, work.session.where);
  await applyFile(work, file, begun, () => applyInTransaction(work, file));
}

interface Application {
  readonly signal: AbortSignal;
  /** How many files earlier attempts have applied. */
  readonly before: number;
  readonly apply: () => Promise<void>;
}

async function applyOne(
  step: Step,
  { log, session }: Work,
  { migration: { name } }: Pending,
  { signal, before, apply }: Application,
): Promise<void> {
  const startedAt = now();
  try {
    await apply();
  } catch (error) {
    throw inContext(error, name, signal, step.applied.length > before);
  } finally {
    session.onNotice = () => {};
  }
  step.applied.push(name);
  log.debug(`applied ${name} in ${formatMs(now() - startedAt)}`);
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
