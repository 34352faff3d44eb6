import type { Row, Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { bookkeeping } from "./bookkeeping.ts";
import { tokens } from "./lexer.ts";

/**
 * A CREATE INDEX CONCURRENTLY that was cut off leaves an invalid index, which IF NOT EXISTS would take for the real
 * one, and which stands in the way without it. So it goes first.
 */
export async function dropBrokenIndex(session: Session, statement: string, log: Log): Promise<void> {
  const { made, relation } = indexesOf(statement);
  if (made !== undefined && relation !== undefined) await drop(session, log, brokenSql, [relation, made]);
}

/**
 * What was cut off leaves its index as well where the server chooses the name: another attempt takes another name, and
 * REINDEX CONCURRENTLY a new one at each attempt. So the invalid ones go that are the same as a valid one, once there
 * is that; unless somebody is at work on the table.
 */
export async function dropInvalidTwins(session: Session, statement: string, log: Log): Promise<void> {
  const { relation } = indexesOf(statement);
  if (relation !== undefined) await drop(session, log, twinsSql, [relation]);
}

async function drop(session: Session, log: Log, sql: string, values: readonly string[]): Promise<void> {
  const broken = await bookkeeping("cannot look for invalid indexes", () =>
    session.query<Row & { name: string }>(sql, values),
  );
  for (const { name } of broken) {
    log.warn(`dropping the index ${name}, which an earlier attempt has left invalid`);
    await bookkeeping(`cannot drop the invalid index ${name}`, () =>
      session.query(`drop index concurrently ${name}`),
    );
  }
}

const invalidSql = `
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
  from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where not i.indisvalid and c.relkind = 'i'`;

const brokenSql = `${invalidSql} and i.indrelid = pg_catalog.to_regclass($1)
  and c.relname = (pg_catalog.parse_ident($2))[1]::name`;

const definition = (index: string): string =>
  `(${index}.indisunique, ${index}.indkey::text, ${index}.indclass::text, ${index}.indcollation::text,
    ${index}.indoption::text, pg_catalog.pg_get_expr(${index}.indexprs, ${index}.indrelid),
    pg_catalog.pg_get_expr(${index}.indpred, ${index}.indrelid))`;

const twinsSql = `${invalidSql}
  and i.indrelid in (
    select pg_catalog.to_regclass($1)::oid
    union select indrelid from pg_catalog.pg_index where indexrelid = pg_catalog.to_regclass($1))
  and exists (select from pg_catalog.pg_index v where v.indrelid = i.indrelid and v.indisvalid
    and ${definition("v")} is not distinct from ${definition("i")})
  and not exists (select from pg_catalog.pg_locks l where l.relation = i.indrelid and l.granted
    and l.mode = 'ShareUpdateExclusiveLock' and l.pid <> pg_catalog.pg_backend_pid())`;

interface Indexes {
  /** The index that is made, where the statement names it. Names are as they are written, quotes included. */
  readonly made?: string | undefined;
  /** The table, or the index, that the statement works on. */
  readonly relation?: string | undefined;
}

const name = '(?:"(?:[^"]|"")+"|[\\w$\\u0080-\\uffff]+)';
const path = `${name}(?: \\. ${name})*`;
const create = new RegExp(
  `^create (?:unique )?index concurrently (?:(?:if not exists )?(${name}) )?on (?:only )?(${path})`,
  "i",
);
const reindex = new RegExp(`^reindex (?:\\( .*? \\) )?(?:table|index) (?:concurrently )?(${path})`, "i");

function indexesOf(statement: string): Indexes {
  const text = tokens(statement)
    .take(maxTokens)
    .map(({ start, end }) => statement.slice(start, end))
    .toArray()
    .join(" ");
  const [, made, table] = create.exec(text) ?? [];
  return { made, relation: table ?? reindex.exec(text)?.[1] };
}

const maxTokens = 30;
