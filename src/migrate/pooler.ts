import { pause } from "../deadline.ts";
import type { Session } from "../postgres/session.ts";
import { bookkeeping } from "./history.ts";

/** How often the two sessions change places, since other clients of the pool may blur one look. */
const rounds = 4;
/** How long a pool may take to find a session of the server. */
const answerMs = 2000;

/**
 * Whether a pooler in transaction mode is in between, which gives each transaction any session of the server that is
 * free: a lock of the session would exclude nobody, and stay behind for good. A pooler makes up a process id of its
 * own; one in session mode is told apart by two sessions that never change their servers, nor share one.
 * @param openAnother opens a session beside this one
 */
export async function poolsTransactions(
  session: Session,
  openAnother: () => Promise<Session>,
): Promise<boolean> {
  const first = await processOf(session);
  if (first === session.processId) return false;
  if ((await processOf(session)) !== first) return true;
  await using other = await openAnother();
  return await shareServers(session, other);
}

async function shareServers(session: Session, other: Session): Promise<boolean> {
  const processes = new Map<Session, unknown>([[session, await processOf(session)]]);
  const isNews = (asked: Session, process: unknown) => {
    const known = processes.get(asked) ?? process;
    processes.set(asked, known);
    return known !== process || [...processes].some(([each, its]) => each !== asked && its === process);
  };
  for (let round = 0; round < rounds; round++) {
    const [holder, asker] = round % 2 === 0 ? [other, session] : [session, other];
    const holding = heldBy(holder);
    const held = await soon(holding);
    if (held === undefined && round === 0) return !(await isOvertaking(session, holding));
    try {
      if (isNews(holder, held)) return true;
      const asked = await soon(processOf(asker));
      if (isNews(asker, asked)) return true;
    } finally {
      await holding.then(() => holder.query("rollback"));
    }
  }
  return false;
}

/** In session mode this session is answered while the other one waits for a place in a full pool; else it queues up. */
async function isOvertaking(session: Session, holding: Promise<unknown>): Promise<boolean> {
  let isHeld = false;
  holding.then(
    () => (isHeld = true),
    () => {},
  );
  return (await soon(processOf(session))) !== undefined && !isHeld;
}

/** The server's process of a transaction that is then open. */
async function heldBy(session: Session): Promise<unknown> {
  await bookkeeping("cannot look for a pooler", () => session.query("begin read only"));
  return await processOf(session);
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
