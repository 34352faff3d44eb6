import { randomUUID } from "node:crypto";
import { Failure } from "../failure.ts";
import type { Row, Session } from "../postgres/session.ts";
import { bookkeeping } from "./history.ts";

/**
 * A pooler in transaction mode gives each statement another session of the server: the lock would exclude nobody, and
 * then stay behind for good. What one session sets and another one sees tells it, whatever the pooler is.
 * @throws Failure `refused`
 */
export async function refuseTransactionPooler(
  session: Session,
  openAnother: () => Promise<Session>,
): Promise<void> {
  if (await isDirect(session)) return;
  const mark = randomUUID();
  await ask(session, "select pg_catalog.set_config('initkit.session', $1, false) as answer", [mark]);
  await using other = await openAnother();
  const seen = await ask(other, "select pg_catalog.current_setting('initkit.session', true) as answer");
  if (seen !== mark) return;
  throw new Failure(
    "refused",
    `${session.where}: a connection pooler in transaction mode, where no lock can be held`,
    {
      hint: "give migrate the address of PostgreSQL itself, or a pool in session mode",
    },
  );
}

/** A pooler makes up a process id of its own. */
async function isDirect(session: Session): Promise<boolean> {
  return (await ask(session, "select pg_catalog.pg_backend_pid() as answer")) === session.processId;
}

async function ask(session: Session, sql: string, values: readonly unknown[] = []): Promise<unknown> {
  const [row] = await bookkeeping("cannot look for a pooler", () => session.query<Row>(sql, values));
  return row?.["answer"];
}
