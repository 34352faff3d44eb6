import { Failure } from "../../failure.ts";
import { identifier } from "../../postgres/quoting.ts";
import type { Row, Session } from "../../postgres/session.ts";
import { bookkeeping } from "../bookkeeping.ts";
import { holderOf } from "../lock.ts";
import type { Recognised } from "./recognise.ts";
import type { ForeignTable, Tool } from "./tool.ts";

/**
 * Takes the tool's own lock, up to the end of the transaction.
 * @throws Failure `database-unavailable` where another session has it
 */
export async function lockTool(session: Session, { tool, table }: Recognised): Promise<void> {
  const holder = await tool.lock?.(session, table);
  if (holder === undefined) return;
  const message = `${session.where}: ${tool.name} is migrating: its own lock is taken`;
  throw new Failure("database-unavailable", message, {
    kind: "lock",
    hint: `it is held by ${holder}: wait for the end of that, and let no pod migrate with ${tool.name} any more`,
  });
}

/** The advisory locks of a tool: those with the same keys whatever the database is, or as the database makes them. */
export function advisoryLock(
  keysOf: (table: ForeignTable, database: string) => readonly bigint[],
): NonNullable<Tool["lock"]> {
  return async (session, table) => {
    for (const key of keysOf(table, await databaseOf(session))) {
      if (!(await tryLock(session, key))) return await holderOf(session, key);
    }
    return undefined;
  };
}

/**
 * Locks the rows of a table up to the end of the transaction, waiting for who has locked or changed one.
 * @param columns what to select of them, in SQL
 * @returns none where the table is not there
 */
export async function lockRows<R extends Row>(
  session: Session,
  { schema, table }: ForeignTable,
  columns: string,
): Promise<R[]> {
  const name = `${identifier(schema)}.${identifier(table)}`;
  return await bookkeeping(`cannot lock the rows of ${name}`, async () => {
    const [found] = await session.query("select pg_catalog.to_regclass($1) is not null as found", [name]);
    if (found?.["found"] !== true) return [];
    return await session.query<R>(`select ${columns} from ${name} order by 1 for update`);
  });
}

async function databaseOf(session: Session): Promise<string> {
  const sql = "select pg_catalog.current_database()::text as name";
  const [row] = await bookkeeping("cannot ask for the database", () =>
    session.query<Row & { name: string }>(sql),
  );
  return row!.name;
}

async function tryLock(session: Session, key: bigint): Promise<boolean> {
  const sql = "select pg_catalog.pg_try_advisory_xact_lock($1) as locked";
  const [row] = await bookkeeping("cannot take the other tool's lock", () =>
    session.query<Row & { locked: boolean }>(sql, [String(key)]),
  );
  return row?.locked === true;
}
