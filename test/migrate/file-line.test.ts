import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { FileLine } from "../../src/migrate/file-line.ts";
import { createHistory, findHistory } from "../../src/migrate/history-place.ts";
import type { ScriptFile } from "../../src/migrate/script-file.ts";
import { openSession } from "../../src/postgres/open-session.ts";
import { databaseSettings } from "../../src/postgres/settings-source.ts";
import { ended, failed, siteOn } from "../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const create = (...names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name, at) => [`${at + 1}_${name}.sql`, `create table ${name} (id int);`]));

suite("nothing behind a file runs that fails", () => {
  const failing: Readonly<Record<string, string>> = {
    "in a statement": "create table half ();\nselect 1/0 from pg_class;",
    "in its grammar": "create table half (;",
    "at its COMMIT":
      "create table half (id int primary key, up int references half deferrable initially deferred); insert into half values (1, 2);",
    "where its record is refused":
      "create function deny() returns trigger language plpgsql as $$ begin raise 'no'; end $$; create trigger deny before insert on initkit_migrations execute function deny();",
  };
  for (const [where, content] of Object.entries(failing)) {
    test(where, async () => {
      await using place = await siteOn(pg, { ...create("a", "b", "c", "d"), "2_b.sql": content });
      const { report } = failed(await place.run(), "sql");
      assert.deepEqual(report, { applied: ["1_a.sql"] });
      assert.deepEqual(await place.history(), ["1_a.sql"]);
      for (const name of ["half", "c", "d"]) assert.equal(await place.exists(name), false);

      await place.put(create("a", "b"));
      ended(await place.run(), "done", ["2_b.sql", "3_c.sql", "4_d.sql"]);
    });
  }

  test("where it has ended its transaction, which is not seen in its text", async () => {
    await using place = await siteOn(pg, {});
    await using session = await openSession(databaseSettings(place.url, {}), {
      applicationName: "initkit",
      env: {},
      signal: new AbortController().signal,
    });
    const options = { table: "history", schema: undefined, applicationName: "initkit" };
    const at = await findHistory(session, options);
    await createHistory(session, at);
    const work = {
      session,
      place: at,
      span: "session",
      settings: "select 1",
      appliedBy: "initkit",
      log: { debug() {}, info() {}, warn() {}, progress() {} },
    } as const;
    const texts = ["create table a ()", "create table b (); commit", "create table c ()"];
    const line = new FileLine(work, texts.map(fileOf));
    await line.apply(0);
    await assert.rejects(line.apply(1), { code: "sql" });
    assert.deepEqual(await session.query("select name from history"), [{ name: "0.sql" }]);
    assert.equal(await place.exists("b"), true);
    assert.equal(await place.exists("c"), false);
  });

  function fileOf(text: string, at: number): ScriptFile {
    const name = `${at}.sql`;
    return {
      migration: { kind: "versioned", id: String(at), name, path: name, checksum: "" },
      text,
      body: { sql: text, origin: (index) => index },
      parts: [{ start: 0, end: text.length }],
      transaction: true,
    };
  }
});

suite("the place of an error is right", () => {
  const broken: Readonly<Record<string, readonly [content: string, headline: RegExp]>> = {
    "with a position of the server": [
      "select 'é😀';\n  select nope;",
      /^3_c\.sql:2:10: .*42703, statement 2\)/,
    ],
    "without one": ["select 1;\n\n  select 1/0 from pg_class;", /^3_c\.sql:3:3: .*22012, statement 2\)/],
    "in the first statement": ["select 1/0 from pg_class;", /^3_c\.sql:1:1: .*22012, statement 1\)/],
    "where the server cannot read it": ["select 1;\nselec 2;", /^3_c\.sql:2:1: .*42601, statement 2\)/],
  };
  for (const [how, [content, headline]] of Object.entries(broken)) {
    test(how, async () => {
      await using place = await siteOn(pg, { ...create("a", "b", "c", "d"), "3_c.sql": content });
      assert.match(failed(await place.run(), "sql").message, headline);
    });
  }
});

test("what the server says is told of the file that it is about, also at its COMMIT", async () => {
  const talk = (name: string) => `do $$ begin raise notice '${name} begins'; end $$;
    create table ${name} (id int);
    create function say_${name}() returns trigger language plpgsql as
      $$ begin raise notice '${name} commits'; return null; end $$;
    create constraint trigger t after insert on ${name} deferrable initially deferred
      for each row execute function say_${name}();
    insert into ${name} values (1);`;
  const names = ["a", "b", "c"];
  const files = Object.fromEntries(names.map((name, at) => [`${at + 1}_${name}.sql`, talk(name)]));
  await using place = await siteOn(pg, files);
  const { logs } = await place.run();
  assert.deepEqual(
    logs.map(({ message }) => message).filter((message) => message.includes("NOTICE")),
    Object.keys(files).flatMap((file, at) =>
      ["begins", "commits"].map((what) => `${file}: NOTICE: ${names[at]} ${what}`),
    ),
  );
});

test("a file that only the server finds to need no transaction is applied in its place", async () => {
  const alone = "create table b (); do $$ begin commit; end $$; create table b2 ();";
  await using place = await siteOn(pg, { ...create("a", "b", "c", "d"), "2_b.sql": alone });
  ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "3_c.sql", "4_d.sql"]);
  assert.equal(await place.exists("b2"), true);
});

test("files of all kinds are applied in their order", async () => {
  await using place = await siteOn(pg, {
    ...create("a", "b", "c", "d", "e", "f"),
    "2_b.sql": "create table b (id int); copy b from stdin;\n1\n\\.\n",
    "4_d.sql": "-- initkit: no-transaction\ncreate index concurrently on b (id);",
    "6_f.sql": "select id/0 from b where id <> 1",
  });
  const names = ["1_a.sql", "2_b.sql", "3_c.sql", "4_d.sql", "5_e.sql", "6_f.sql"];
  ended(await place.run(), "done", names);
  assert.deepEqual(await place.history(), names);
});

test("each file may set its transaction, whatever the default of the database is", async () => {
  const serializable = "set transaction isolation level serializable; create table";
  await using place = await siteOn(pg, {
    "1_a.sql": `${serializable} a ();`,
    "2_b.sql": `${serializable} b ();`,
    "3_c.sql":
      "do $$ begin if current_setting('transaction_isolation') <> 'read committed' then raise 'no'; end if; end $$",
  });
  await place.query(
    `do $$ begin execute format('alter database %I set default_transaction_isolation to serializable', current_database()); end $$`,
  );
  ended(await place.run(), "done", ["1_a.sql", "2_b.sql", "3_c.sql"]);
});

test("the history says how long each file took", async () => {
  await using place = await siteOn(pg, {
    "1_a.sql": "select pg_sleep(1)",
    "2_b.sql": "select 1",
    "3_c.sql": "select pg_sleep(0.3)",
  });
  await place.run();
  const rows = await place.query("select duration_ms::int from initkit_migrations order by version");
  const [first, second, third] = rows.map((row) => row["duration_ms"] as number) as [number, number, number];
  assert.ok(first >= 1000);
  assert.ok(second < first);
  assert.ok(third >= 300);
});
