import { pause } from "../deadline.ts";
import type { Session } from "../postgres/session.ts";
import { bookkeeping } from "./bookkeeping.ts";

/** Whether a pooler is in between: it makes up a process id of its own. */
export const isPooled = async (session: Session): Promise<boolean> =>
  (await processOf(session)) !== session.processId;

/** More than a pooler usually has replicas, so that two sessions come to the same one. */
const others = 4;
/** How often each is asked, since other clients of the pool may blur one look. */
const rounds = 3;
/** How long a pool may take to find a session of the server. */
const answerMs = 2000;

/**
 * Whether a pooler keeps to one session of the server for each of ours, which is its session mode. In transaction mode
 * it gives each transaction one that is free, so that ours share one or change theirs: a lock of the session would
 * exclude nobody then, and stay behind for good.
 * @param openAnother opens a session beside this one
 */
export async function keepsSessions(session: Session, openAnother: () => Promise<Session>): Promise<boolean> {
  await using opened = new AsyncDisposableStack();
  const known = new Map<Session, unknown>([[session, await processOf(session)]]);
  for (let count = 0; count < others; count++) {
    const other = opened.use(await openAnother());
    const asking = processOf(other);
    const isLate = (await soon(asking)) === undefined;
    if (isLate && (await overtakes(session, asking))) return true;
    const process = await asking;
    if ([...known.values()].includes(process)) return false;
    known.set(other, process);
  }
  for (let round = 1; round < rounds; round++) {
    for (const [each, process] of known) if ((await processOf(each)) !== process) return false;
  }
  return true;
}

/** In session mode, a session is answered while another one waits for a place in a full pool; else it queues up. */
async function overtakes(session: Session, waiting: Promise<unknown>): Promise<boolean> {
  let isWaiting = true;
  const done = () => (isWaiting = false);
  waiting.then(done, done);
  await processOf(session);
  return isWaiting;
}

async function processOf(session: Session): Promise<unknown> {
  const [row] = await bookkeeping("cannot look for a pooler", () =>
    session.query("select pg_catalog.pg_backend_pid() as process"),
  );
  return row?.["process"];
}

/** The answer, or undefined where it takes too long. */
async function soon(answer: Promise<unknown>): Promise<unknown> {
  const stop = new AbortController();
  const late = pause(answerMs, stop.signal).catch(() => {});
  try {
    return await Promise.race([answer, late]);
  } finally {
    stop.abort();
    answer.catch(() => {});
  }
}
