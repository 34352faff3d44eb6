import { now, pause } from "../deadline.ts";
import { Failure } from "../failure.ts";
import { formatMs, quote } from "../format.ts";
import type { Row, Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { begin } from "./apply.ts";
import { bookkeeping } from "./bookkeeping.ts";
import type { Span } from "./surroundings.ts";

export interface LockWait {
  readonly key: bigint;
  /** What holds the lock: the session, or a transaction that is open from then on. */
  readonly span: Span;
  /** When to give up, on the clock of `now()`. */
  readonly until: number;
  /** Whether giving up is for good, since a limit of the lock itself is over. */
  readonly final: boolean;
  readonly signal: AbortSignal;
  readonly log: Log;
  /** Whether another session has done everything meanwhile. */
  nothingLeft(): Promise<boolean>;
}

const firstPauseMs = 50;
const longestPauseMs = 1000;
/** A wait that is longer than this is worth a line in the log. */
const notableMs = 1000;

/**
 * Waits for the advisory lock of a history, which the end of the session or transaction gives back. It asks again and again: a
 * statement that waits would hold a snapshot, and CREATE INDEX CONCURRENTLY of the holder would wait for that.
 * @returns false when nothing is left to do, without the lock
 * @throws Failure `database-unavailable` that names the holder; the reason of the signal
 */
export async function acquireLock(session: Session, wait: LockWait): Promise<boolean> {
  const startedAt = now();
  let isTold = false;
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    if (await tryLock(session, wait)) return true;
    if (await wait.nothingLeft()) return false;
    const holder = await holderOf(session, wait.key);
    if (now() >= wait.until) throw notGranted(session, holder, wait);
    const waiting = `waiting for the migration lock, held by ${holder}`;
    const isNotable: boolean = !isTold && now() - startedAt >= notableMs;
    if (isNotable) wait.log.info(waiting);
    else wait.log.progress(waiting);
    isTold ||= isNotable;
    const jittered = pauseMs * (0.5 + Math.random() / 2);
    await pause(Math.min(jittered, Math.max(0, wait.until - now())), wait.signal);
  }
}

async function tryLock(session: Session, { key, span }: LockWait): Promise<boolean> {
  if (span === "session") return await isGranted(session, `pg_try_advisory_lock(${key})`);
  await begin(session);
  if (await isGranted(session, `pg_try_advisory_xact_lock(${key})`)) return true;
  await session.query("rollback");
  return false;
}

async function isGranted(session: Session, call: string): Promise<boolean> {
  const [row] = await bookkeeping("cannot take the migration lock", () =>
    session.query<Row & { granted: boolean }>(`select pg_catalog.${call} as granted`),
  );
  return row?.granted === true;
}

type Holder = Row & {
  pid: number;
  application_name: string | null;
  address: string | null;
  session_ms: number | null;
  statement_ms: number | null;
};

/** Keys of 64 bits show as two halves (PostgreSQL manual, 53.12, pg_locks). */
const holderSql = `
  select l.pid, a.application_name, pg_catalog.host(a.client_addr) as address,
    extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)::float8 * 1000 as session_ms,
    case when a.state = 'active'
      then extract(epoch from pg_catalog.clock_timestamp() - a.query_start)::float8 * 1000 end as statement_ms
  from pg_catalog.pg_locks l left join pg_catalog.pg_stat_activity a on a.pid = l.pid
  where l.locktype = 'advisory' and l.granted and l.objsubid = 1
    and l.database = (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database())
    and l.classid = $1::text::oid and l.objid = $2::text::oid`;

/** Who holds an advisory lock, for messages. */
export async function holderOf(session: Session, key: bigint): Promise<string> {
  const halves = [BigInt.asUintN(32, key >> 32n), BigInt.asUintN(32, key)].map(String);
  const [holder] = await bookkeeping("cannot look for the holder of the migration lock", () =>
    session.query<Holder>(holderSql, halves),
  );
  return holder ? described(holder) : "a session that has just ended";
}

function described({ pid, application_name, address, session_ms, statement_ms }: Holder): string {
  const facts = [
    ...(application_name ? [quote(application_name)] : []),
    ...(address ? [`from ${address}`] : []),
    ...(session_ms === null ? [] : [`connected for ${formatMs(session_ms)}`]),
    ...(statement_ms === null ? [] : [`in a statement for ${formatMs(statement_ms)}`]),
  ];
  return `pid ${pid} (${facts.join(", ")})`;
}

function notGranted(session: Session, holder: string, { final }: LockWait): Failure {
  return new Failure("database-unavailable", `${session.where}: the migration lock is held by ${holder}`, {
    kind: "lock",
    permanent: final || undefined,
    hint: "another replica is migrating: look at its log; where it is gone, select pg_terminate_backend(PID) ends its session",
  });
}
