import type { Client } from "pg";

/** What a database holds: the definition of every object and the rows of every table, but those of initkit's own. */
export async function databaseSnapshot(client: Client): Promise<Readonly<Record<string, string>>> {
  await client.query("set search_path = ''");
  const { rows: objects } = await client.query<Entry>(objectsSql);
  const { rows: tables } = await client.query<{ name: string }>(tablesSql);
  const entries = objects.map(({ name, definition }) => [name, definition] as const);
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(`select t::text as row from ${name} t order by 1`);
    entries.push([`rows of ${name}`, rows.map(({ row }) => row).join("\n")]);
  }
  return Object.fromEntries(entries);
}

interface Entry {
  readonly name: string;
  readonly definition: string;
}

const own = "initkit_migrations";
const foreign = "not in ('pg_catalog', 'information_schema') and nspname !~ '^pg_(toast|temp)'";
const relations = `pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
  where nspname ${foreign} and relname !~ '^${own}'`;

const tablesSql = `select c.oid::pg_catalog.regclass::text as name from ${relations} and relkind in ('r', 'p') order by 1`;

/** Everything whose definition the server can tell. */
const objectsSql = `
  with relation as (select c.oid, relkind from ${relations}),
    routine as (
      select p.oid from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = pronamespace where nspname ${foreign}
    ),
    type as (
      select t.oid from pg_catalog.pg_type t join pg_catalog.pg_namespace n on n.oid = typnamespace where nspname ${foreign}
    )
  select 'relation ' || oid::pg_catalog.regclass as name, relkind::text || coalesce((
      select pg_catalog.string_agg(pg_catalog.concat_ws(' ', attname, pg_catalog.format_type(atttypid, atttypmod),
        attnotnull, pg_catalog.pg_get_expr(adbin, adrelid)), ', ' order by attnum)
      from pg_catalog.pg_attribute left join pg_catalog.pg_attrdef on adrelid = attrelid and adnum = attnum
      where attrelid = relation.oid and attnum > 0 and not attisdropped), '') as definition
    from relation
  union all select 'view ' || oid::pg_catalog.regclass, pg_catalog.pg_get_viewdef(oid) from relation where relkind = 'v'
  union all select 'index ' || indexrelid::pg_catalog.regclass, pg_catalog.pg_get_indexdef(indexrelid) || indisvalid::text
    from pg_catalog.pg_index where indrelid in (select oid from relation)
  union all select 'constraint ' || conname || conrelid::pg_catalog.regclass, pg_catalog.pg_get_constraintdef(oid)
    from pg_catalog.pg_constraint where conrelid in (select oid from relation)
  union all select 'partition ' || inhrelid::pg_catalog.regclass, inhparent::pg_catalog.regclass::text
    from pg_catalog.pg_inherits where inhparent in (select oid from relation)
  union all select 'rule ' || rulename || ev_class::pg_catalog.regclass, pg_catalog.pg_get_ruledef(oid)
    from pg_catalog.pg_rewrite where ev_class in (select oid from relation)
  union all select 'trigger ' || tgname || tgrelid::pg_catalog.regclass, pg_catalog.pg_get_triggerdef(oid)
    from pg_catalog.pg_trigger where not tgisinternal and tgrelid in (select oid from relation)
  union all select 'routine ' || oid::pg_catalog.regprocedure, pg_catalog.pg_get_functiondef(oid) from routine
  union all select 'operator ' || oid::pg_catalog.regoperator, oprcode::text
    from pg_catalog.pg_operator where oprcode in (select oid from routine)
  union all select 'enum ' || enumtypid::pg_catalog.regtype, pg_catalog.string_agg(enumlabel, ',' order by enumsortorder)
    from pg_catalog.pg_enum where enumtypid in (select oid from type) group by enumtypid
  union all select 'sequence ' || schemaname || sequencename, pg_catalog.concat_ws(' ', data_type, start_value, last_value)
    from pg_catalog.pg_sequences
  union all select 'comment ' || pg_catalog.pg_describe_object(classoid, objoid, objsubid), description
    from pg_catalog.pg_description where objoid in (select oid from relation union select oid from routine)
  union all select 'schema ' || nspname, '' from pg_catalog.pg_namespace where nspname ${foreign}
  order by 1`;
