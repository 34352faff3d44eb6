import type { Row, Session } from "../postgres/session.ts";
import type { Log } from "../task.ts";
import { bookkeeping } from "./history.ts";
import { type Token, tokens } from "./lexer.ts";

/**
 * A CREATE INDEX CONCURRENTLY that was cut off leaves an invalid index, which IF NOT EXISTS would take for the real
 * one, and which stands in the way without it. So it goes first.
 */
export async function dropBrokenIndex(session: Session, statement: string, log: Log): Promise<void> {
  const created = createdIndex(statement);
  if (!created) return;
  const [broken] = await bookkeeping(`cannot look for the index ${created.index}`, () =>
    session.query<Row & { name: string }>(brokenSql, [created.table, created.index]),
  );
  if (!broken) return;
  log.warn(`dropping the index ${broken.name}, which an earlier attempt has left invalid`);
  await bookkeeping(`cannot drop the invalid index ${broken.name}`, () =>
    session.query(`drop index concurrently ${broken.name}`),
  );
}

const brokenSql = `
  select pg_catalog.format('%I.%I', n.nspname, c.relname) as name
  from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where i.indrelid = pg_catalog.to_regclass($1) and not i.indisvalid and c.relkind = 'i'
    and c.relname = (pg_catalog.parse_ident($2))[1]::name`;

interface CreatedIndex {
  /** Names as they are written, quotes included. */
  readonly index: string;
  readonly table: string;
}

/** The names in a CREATE INDEX CONCURRENTLY that gives its index one. */
function createdIndex(statement: string): CreatedIndex | undefined {
  const words = [...tokens(statement).take(maxTokens)];
  const textOf = ({ start, end }: Token) => statement.slice(start, end);
  const upper = words.map((token) => (token.kind === "word" ? textOf(token).toUpperCase() : ""));
  const concurrently = upper.indexOf("CONCURRENTLY");
  const head = upper.slice(0, concurrently + 1).join(" ");
  if (!/^CREATE (?:UNIQUE )?INDEX CONCURRENTLY$/.test(head)) return undefined;

  const name = upper[concurrently + 1] === "IF" ? concurrently + 4 : concurrently + 1;
  if (upper[name + 1] !== "ON") return undefined;
  const first = upper[name + 2] === "ONLY" ? name + 3 : name + 2;
  const last = textOf(words[first + 1] ?? words[first]!) === "." ? first + 2 : first;
  return { index: textOf(words[name]!), table: statement.slice(words[first]!.start, words[last]?.end) };
}

const maxTokens = 14;
