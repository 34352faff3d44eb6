import { Failure } from "../../failure.ts";
import type { Row, Session } from "../../postgres/session.ts";
import { bookkeeping } from "../bookkeeping.ts";
import { type ForeignTable, shownTable, type Tool } from "./tool.ts";

export interface Recognised {
  readonly tool: Tool;
  readonly table: ForeignTable;
}

/**
 * Finds the tool that has migrated the database, by its table and the columns of that.
 * @param schema searched instead of the search path: another one's history, as that of another tenant, is not this one's
 * @throws Failure `history` where two have
 */
export async function recognise(
  session: Session,
  tools: readonly Tool[],
  schema: string | undefined,
): Promise<Recognised | undefined> {
  const tables = await tablesOf(session, tools, schema);
  const found = tools.flatMap((tool) => {
    const table = tables.find((each) => isOf(tool, each, tables));
    return table ? [{ tool, table }] : [];
  });
  if (found.length > 1) throw severalFound(found);
  return found[0];
}

type TableRow = Row & ForeignTable & { columns: Readonly<Record<string, string>> };

/** In the order of the search path. */
async function tablesOf(
  session: Session,
  tools: readonly Tool[],
  schema: string | undefined,
): Promise<TableRow[]> {
  const names = tools.flatMap(({ table, notBeside = [] }) => [table].concat(notBeside));
  const own = tools.flatMap((tool) => tool.schema ?? []);
  return await bookkeeping("cannot look for the history of another tool", () =>
    session.query<TableRow>(tablesSql, [names, own, schema ?? null]),
  );
}

const tablesSql = `
  select n.nspname as schema, c.relname as table,
    (select pg_catalog.json_object_agg(a.attname, pg_catalog.format_type(a.atttypid, null))
      from pg_catalog.pg_attribute a
      where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where c.relkind in ('r', 'p') and c.relname = any ($1::text[])
    and (n.nspname = any ($2::text[])
      or case when $3::text is null then n.nspname = any (pg_catalog.current_schemas(false)) else n.nspname = $3 end)
  order by pg_catalog.array_position(pg_catalog.current_schemas(false), n.nspname)`;

function isOf(tool: Tool, { schema, table, columns }: TableRow, all: readonly TableRow[]): boolean {
  if (table !== tool.table || (tool.schema !== undefined && schema !== tool.schema)) return false;
  if (all.some((other) => other.schema === schema && other.table === tool.notBeside)) return false;
  const wanted = Object.entries(tool.columns);
  return (
    wanted.length === Object.keys(columns ?? {}).length &&
    wanted.every(([name, type]) => (type === "" ? name in columns : columns[name] === type))
  );
}

function severalFound(found: readonly Recognised[]): Failure {
  const told = found.map(({ tool, table }) => `${tool.name} (${shownTable(table)})`).join(" and ");
  return new Failure("history", `the database was migrated by ${told}, and only one can be adopted`, {
    hint: "name the one whose files these are with adopt, and no other",
  });
}
