import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import { type ToolName, toolNames } from "../../../src/migrate/adopt/names.ts";
import { filesOf, foreignSetups } from "../../helpers/foreign-histories.ts";
import { ended, failed, type Files, type Site, siteOn } from "../../helpers/migration-site.ts";
import { type Postgres, startPostgres } from "../../helpers/postgres.ts";
import { runTask } from "../../helpers/run-task.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

/** A database in which the tool has applied the first two of four files. */
async function adoptable(tool: ToolName, files: Files = {}, sql = ""): Promise<Site> {
  const setup = foreignSetups[tool];
  const place = await siteOn(pg, { ...filesOf(setup), ...files });
  await place.query(`create table t1 (id int); create table t2 (id int); ${setup.history}; ${sql}`);
  return place;
}

const rowsOf = (place: Site, tool: ToolName) =>
  place.query(`select * from ${foreignSetups[tool].table} order by 1`);
const historyOf = (place: Site) =>
  place.query("select name, kind, checksum <> '' as known, applied_by from initkit_migrations order by name");
const auto = ["--adopt", "auto"];

for (const tool of toolNames) {
  const { files, third } = foreignSetups[tool];
  const [first, second, ...others] = files;

  suite(tool, () => {
    for (const words of [auto, ["--adopt", tool]]) {
      test(`${words.join(" ")} goes on behind what it has applied, once, and leaves its rows`, async () => {
        await using place = await adoptable(tool);
        const rows = await rowsOf(place, tool);
        const run = await place.run(words);
        ended(run, "done", others);
        const { tool: told, migrations } = run.report["adopted"];
        assert.deepEqual([told, migrations.length], [tool, 2]);
        assert.deepEqual(await rowsOf(place, tool), rows);

        const expected = [first, second].toSorted().map((name) => [name, "versioned", true, tool]);
        const history = (await historyOf(place)).map((row) => Object.values(row));
        assert.deepEqual(
          history.filter(([, , , by]) => by === tool),
          expected,
        );
        assert.equal(history.length, 4);
        ended(await place.run(words), "unchanged");
        ended(await place.run(words), "unchanged");
      });
    }

    test("that has applied nothing yet leaves everything to be applied", async () => {
      await using place = await adoptable(
        tool,
        {},
        `drop table t1, t2; delete from ${foreignSetups[tool].table}`,
      );
      const run = await place.run(auto);
      ended(run, "done", files);
      assert.equal("adopted" in run.report, false);
    });

    test("that applies more after it was adopted is not adopted again", async () => {
      await using place = await adoptable(tool);
      await place.run([...auto, "--to", versionOf(second)]);
      await place.query(third);
      ended(await place.run(auto), "done", others);
    });

    test("has applied everything for wait-only and dry-run, which change nothing", async () => {
      await using place = await adoptable(tool, {}, third);
      await place.remove(others[1]!);
      ended(await place.run([...auto, "--wait-only"]), "unchanged");
      const { status, report } = await place.run([...auto, "--dry-run"]);
      assert.deepEqual(
        [status, report["pending"], report["adopted"].migrations.length],
        ["unchanged", [], 3],
      );
      assert.equal(await place.exists("initkit_migrations"), false);
    });

    test("ahead of the files of an older image, is not applied again by a newer one", async () => {
      await using place = await adoptable(tool, {}, third);
      const fourth = filesOf(foreignSetups[tool])[others[1]!]!;
      for (const name of others) await place.remove(name);
      await place.run(auto);
      await place.put({ [others[0]!]: filesOf(foreignSetups[tool])[others[0]!]!, [others[1]!]: fourth });
      ended(await place.run(auto), "done", [others[1]!]);
    });
  });
}

/** As `to` takes it. */
const versionOf = (name: string): string =>
  /^V?([0-9._]+?)(?:__|[-_a-z.])/.exec(name)![1]!.replaceAll("_", ".");

suite("a checksum of the tool", () => {
  for (const tool of ["flyway", "graphile-migrate", "sqlx", "postgrator"] as const) {
    const [first, second] = foreignSetups[tool].files;
    const text = filesOf(foreignSetups[tool])[second]!;

    test(`${tool}: an edited file contradicts the history, and nothing is changed`, async () => {
      await using place = await adoptable(tool, { [second]: text.replace("id int", "id bigint") });
      const { message } = failed(await place.run(auto), "history");
      assert.ok(message.includes(second) && !message.includes(first), message);
      assert.equal(await place.exists("initkit_migrations"), false);
    });

    test(`${tool}: other line ends are no edit`, async () => {
      await using place = await adoptable(tool, { [second]: text.replaceAll("\n", "\r\n") });
      assert.equal((await place.run(auto)).failure?.message, undefined);
    });
  }

  test("sqlx: white space is no edit where sqlx was told to ignore it", async () => {
    const { files } = foreignSetups.sqlx;
    const hash = (content: string) => `sha384(convert_to('${content}', 'UTF8'))`;
    const sql = `update _sqlx_migrations set checksum = ${hash("createtablet2(idint);")} where version = 2`;
    await using place = await adoptable("sqlx", { [files[1]]: "create  table t2\n\t(id int);\n" }, sql);
    ended(await place.run(auto), "done", files.slice(2));
  });

  test("graphile-migrate: a file that says so may have another hash", async () => {
    const { files } = foreignSetups["graphile-migrate"];
    const text = filesOf(foreignSetups["graphile-migrate"])[files[1]]!;
    const allowed = text.replace("\n\n", "\n--! AllowInvalidHash\n\n").replace("id int", "id bigint");
    await using place = await adoptable("graphile-migrate", { [files[1]]: allowed });
    ended(await place.run(auto), "done", files.slice(2));
  });
});

suite("a history that a person must look at is refused", () => {
  const cases: readonly (readonly [what: string, tool: ToolName, sql: string, says: RegExp])[] = [
    ["dirty", "golang-migrate", "update schema_migrations set dirty = true", /dirty/],
    [
      "dirty before any file",
      "golang-migrate",
      "update schema_migrations set version = -1, dirty = true",
      /-1/,
    ],
    ["of a version that no file has", "golang-migrate", "update schema_migrations set version = 7", /"7"/],
    ["of a version that no file has", "tern", "update schema_version set version = 9", /"9"/],
    [
      "with a failure",
      "flyway",
      "update flyway_schema_history set success = false where installed_rank = 2",
      /V1_2__x\.sql/,
    ],
    ["with a failure", "sqlx", "update _sqlx_migrations set success = false where version = 2", /2 x/],
    [
      "with an undone file",
      "goose",
      "insert into goose_db_version (version_id, is_applied) values (2, false)",
      /2/,
    ],
    ["without a file", "dbmate", "insert into schema_migrations values ('000')", /"000"/],
    ["of another tool", "dbmate", "insert into schema_migrations values ('users')", /"users"/],
    ["without a version", "knex", "insert into knex_migrations (name) values ('init.js')", /"init\.js"/],
    [
      "that is not the files'",
      "node-pg-migrate",
      "update pgmigrations set name = '1699_x' where id = 1",
      /1699_x/,
    ],
    ["with a gap", "postgrator", "delete from schemaversion where version = 1", /001\.do\.first\.sql/],
  ];
  for (const [what, tool, sql, says] of cases) {
    test(`${tool}: ${what}`, async () => {
      await using place = await adoptable(tool, {}, sql);
      const { message, options } = failed(await place.run(auto), "history");
      assert.match(message, says);
      assert.ok(options.hint);
      assert.equal(await place.exists("initkit_migrations"), false);
    });
  }

  for (const words of [auto, ["--adopt", "goose", "--adopt", "tern"]]) {
    test(`two tools, with ${words.join(" ")}`, async () => {
      await using place = await adoptable("goose", {}, foreignSetups.tern.history);
      const { message } = failed(await place.run(words), "history");
      assert.match(message, /goose.*tern/);
      ended(await place.run(["--adopt", "goose"]), "done", foreignSetups.goose.files.slice(2));
    });
  }
});

suite("Flyway's history", () => {
  const { files } = foreignSetups.flyway;
  const row = (rank: number, version: string, type: string, script: string, checksum = "null") =>
    `insert into flyway_schema_history values (${rank}, ${version}, 'x', '${type}', '${script}', ${checksum}, 'app',
      default, 1, true)`;

  for (const [type, script] of [
    ["BASELINE", "<< Flyway Baseline >>"],
    ["SQL_BASELINE", "B1_2__x.sql"],
    ["SQL_STATE_SCRIPT", "S1_2__x.sql"],
  ] as const) {
    test(`holds a baseline, up to which everything is applied: ${type}`, async () => {
      const sql = `truncate flyway_schema_history; ${row(1, "'1.2'", type, script)}`;
      await using place = await adoptable("flyway", {}, sql);
      ended(await place.run(auto), "done", files.slice(2));
    });
  }

  test("holds schemas that it has made, and what was undone or given up", async () => {
    const sql = [
      row(0, "null", "SCHEMA", '"public"'),
      row(3, "'1.3'", "SQL", "V1_3__x.sql"),
      row(4, "'1.3'", "UNDO_SQL", "U1_3__x.sql"),
      row(5, "'0.5'", "SQL", "V0_5__gone.sql"),
      row(6, "'0.5'", "DELETE", "V0_5__gone.sql"),
    ];
    await using place = await adoptable("flyway", {}, sql.join(";"));
    ended(await place.run(auto), "done", files.slice(2));
  });

  test("holds repeatable files, which are repeated only where they have changed", async () => {
    const view = (n: number) => `create view v${n} as select ${n} as n\n`;
    const crc = (n: number) => `(select (crc - case when crc > 2147483647 then 4294967296 else 0 end)::int
      from crc32('create view v${n} as select ${n} as n'::bytea) as crc)`;
    const sql = [
      view(1),
      row(3, "null", "SQL", "sub/R__same.sql", crc(1)),
      row(4, "null", "SQL", "R__other.sql", crc(9)),
      row(5, "null", "SQL", "R__gone.sql", crc(9)),
    ];
    await using place = await adoptable(
      "flyway",
      { "R__same.sql": view(1), "R__other.sql": view(2) },
      sql.join(";"),
    );
    ended(await place.run(auto), "done", [...files.slice(2), "R__other.sql"]);
    ended(await place.run(auto), "unchanged");
    await place.query("delete from initkit_migrations; truncate flyway_schema_history; drop view v2");
    await place.query(sql[1]!);
    for (const name of files) await place.remove(name);
    ended(await place.run(auto), "done", ["R__other.sql"]);
    ended(await place.run(auto), "unchanged");
  });
});

suite("a placeholder of Flyway in a pending file", () => {
  const pending = foreignSetups.flyway.files.at(-1)!;

  for (const words of [auto, ["--adopt", "flyway"]]) {
    for (const [where, content, at] of [
      ["in SQL", "select 1;\n create table ${schema}.t ();", ":2:15"],
      ["in a string", "-- ${in} a comment\ncreate table t4 as select 'x ${name}' as a", ":2:30"],
      ["in the body of a function", "/* ${a} */ do $$ begin perform '${flyway:user}'; end $$", ":1:33"],
      ["in data", "copy t1 from stdin;\n${n}\n\\.\n", ":2:1"],
    ] as const) {
      test(`is refused with its place before anything is applied, ${where}: ${words.join(" ")}`, async () => {
        await using site = await adoptable("flyway", { [pending]: content });
        const { message, hint } = failed(await site.run(words), "configuration");
        assert.ok(message.startsWith(`${pending}${at}: `), message);
        assert.ok(hint);
        assert.equal(await site.exists("t3"), false);
      });
    }
  }

  test("does not matter in a comment, in a file of another tool, and without adopt", async () => {
    const string = "create table t as select '${name}' as a";
    await using place = await adoptable("flyway", { [pending]: "-- ${x}\nselect 1 /* ${y} */" });
    ended(await place.run(auto), "done", foreignSetups.flyway.files.slice(2));
    await using other = await siteOn(pg, { "1_a.sql": string });
    ended(await other.run(auto), "done", ["1_a.sql"]);
    await using plain = await siteOn(pg, { "V1__a.sql": string });
    ended(await plain.run(), "done", ["V1__a.sql"]);
  });
});

suite("adopt auto", () => {
  const one = { "1_a.sql": "create table a ()" };

  test("finds nothing in a database that no tool has migrated", async () => {
    await using place = await siteOn(pg, one);
    const run = await place.run(auto);
    ended(run, "done", ["1_a.sql"]);
    assert.equal("adopted" in run.report, false);
  });

  for (const [what, sql] of Object.entries({
    "Rails' table": `create table schema_migrations (version varchar primary key); create table ar_internal_metadata ();
      insert into schema_migrations values ('1')`,
    "a table with other columns": `create table schema_migrations (version bigint, inserted_at timestamp);
      insert into schema_migrations values (1)`,
    "a column of another type":
      "create table schema_version (version text); insert into schema_version values ('1')",
    "a view": "create view schema_version as select 1 as version",
    "a table outside of the search path":
      "create schema other; create table other.schema_version (version int); insert into other.schema_version values (1)",
  })) {
    test(`takes ${what} for no tool's`, async () => {
      await using place = await siteOn(pg, one);
      await place.query(sql);
      ended(await place.run(auto), "done", ["1_a.sql"]);
    });
  }

  test("finds the tool in the schema that is named, and takes no other for that one's", async () => {
    await using place = await adoptable(
      "tern",
      {},
      "create schema app; alter table schema_version set schema app",
    );
    ended(await place.run([...auto, "--schema", "app"]), "done", foreignSetups.tern.files.slice(2));
    const another = await place.run([...auto, "--schema", "tenant"]);
    ended(another, "done", foreignSetups.tern.files);
  });

  test("leaves a database alone that initkit migrates already", async () => {
    await using place = await siteOn(pg, one);
    await place.run();
    await place.query(foreignSetups.goose.history);
    ended(await place.run(auto), "unchanged");
  });
});

suite("a configuration error, before any connection, is", () => {
  const [file] = foreignSetups.knex.files;
  const nowhere = ["--database", "postgres://postgres@127.0.0.1:1/nowhere"];

  test("a tool that is not known", async () => {
    await using place = await siteOn(pg, {});
    assert.match(failed(await place.run(["--adopt", "liquibase"]), "configuration").message, /liquibase/);
  });

  test("a single file", async () => {
    await using place = await siteOn(pg, { "1_a.sql": "select 1" });
    for (const words of [auto, ["--baseline", "1"]]) {
      failed(await runTask("migrate", [`${place.folder}/1_a.sql`, ...nowhere, ...words]), "configuration");
    }
  });

  for (const [tool, program] of [
    ["knex", "20260102000000_users.js"],
    ["knex", "20260102000000_users.mts"],
    ["node-pg-migrate", "1700000000009_users.cjs"],
    ["goose", "00009_users.go"],
    ["postgrator", "009.do.users.js"],
  ] as const) {
    test(`${program} with ${tool}, unless it stands beside an SQL file of that version`, async () => {
      await using place = await siteOn(pg, { [program]: "" });
      assert.ok(failed(await place.run(["--adopt", tool]), "configuration").message.includes(program));
      ended(await place.run(), "unchanged");
      await place.put({ [program.replace(/\.\w+$/, ".sql")]: "create table users ()" });
      assert.equal((await place.run(["--adopt", tool])).failure?.message, undefined);
    });
  }

  test("is not a file of types or a test of Go", async () => {
    await using place = await siteOn(pg, { [file.replace("sql", "d.ts")]: "", "00001_x_test.go": "" });
    ended(await place.run(auto), "unchanged");
  });
});

test("the files that undo are none of ours", async () => {
  const undo = { "U1_1__x.sql": "drop table t1", "B1__x.sql": "drop table t1" };
  await using flyway = await adoptable("flyway", undo);
  ended(await flyway.run(["--adopt", "flyway"]), "done", foreignSetups.flyway.files.slice(2));
  await using postgrator = await adoptable("postgrator", { "001.undo.first.sql": "drop table t1" });
  ended(await postgrator.run(["--adopt", "postgrator"]), "done", foreignSetups.postgrator.files.slice(2));
});

suite("the tool's own lock", () => {
  for (const tool of toolNames) {
    const { lockKeys = [], files, third } = foreignSetups[tool];
    for (const [index, lockKey] of lockKeys.entries()) {
      test(`of ${tool} is waited for, and what it has applied meanwhile is adopted (${index + 1} of ${lockKeys.length})`, async () => {
        await using place = await adoptable(tool);
        await using peer = await place.session();
        await peer.query(`select pg_advisory_lock(${lockKey})`);
        const { message, options } = failed(
          await place.run([...auto, "--timeout", "1s"]),
          "database-unavailable",
        );
        assert.ok(message.includes(tool), message);
        const [holder] = (await peer.query("select pg_backend_pid() as pid")).rows;
        assert.ok(options.hint!.includes(String(holder.pid)), String(options.hint));
        assert.equal(await place.exists("initkit_migrations"), false);

        let migrating: Promise<unknown> | undefined;
        const finish = () =>
          peer.query(`create table t3 (id int); ${third}; select pg_advisory_unlock_all()`);
        const run = await place.run(auto, {
          onEvent: (event) => {
            if (event === "attempt.failed") migrating ??= finish();
          },
        });
        await migrating;
        ended(run, "done", [files[3]]);
      });
    }
  }

  test("held, what looks like a failure is a migration that is not at its end", async () => {
    const dirty = "update schema_migrations set version = 3, dirty = true";
    await using place = await adoptable("golang-migrate", {}, dirty);
    await using peer = await place.session();
    await peer.query(`select pg_advisory_lock(${foreignSetups["golang-migrate"].lockKeys![0]})`);
    failed(await place.run([...auto, "--timeout", "1s"]), "database-unavailable");
    await peer.query("select pg_advisory_unlock_all()");
    failed(await place.run(auto), "history");
  });

  test("of knex is a row, which counts as long as it is marked or in use", async () => {
    await using place = await adoptable("knex", {}, "update knex_migrations_lock set is_locked = 1");
    const { options } = failed(await place.run([...auto, "--timeout", "1s"]), "database-unavailable");
    assert.match(options.hint!, /knex_migrations_lock/);
    await place.query("update knex_migrations_lock set is_locked = 0");

    await using peer = await place.session();
    await peer.query("begin; update knex_migrations_lock set is_locked = 0");
    const running = place.run(auto);
    await place.until("wait_event_type = 'Lock' and query like '%knex_migrations_lock%'");
    await peer.query(`create table t3 (id int); ${foreignSetups.knex.third}; commit`);
    ended(await running, "done", [foreignSetups.knex.files[3]]);
  });

  test("of goose may be a lease, which counts until it is given back or has ended", async () => {
    const lease = (
      until: string,
    ) => `create table if not exists goose_lock (lock_id bigint not null primary key,
        locked boolean not null default false, locked_at timestamptz, locked_by text, lease_expires_at timestamptz,
        updated_at timestamptz);
      insert into goose_lock values (4097083626, true, now(), 'pod-1', ${until}, now())
        on conflict (lock_id) do update set lease_expires_at = excluded.lease_expires_at`;
    await using place = await adoptable("goose", {}, lease("now() + interval '30 s'"));
    const { options } = failed(await place.run([...auto, "--timeout", "1s"]), "database-unavailable");
    assert.match(options.hint!, /"pod-1" in goose_lock/);
    await place.query(lease("now() - interval '1 s'"));
    ended(await place.run(auto), "done", foreignSetups.goose.files.slice(2));
  });

  test("is free again after the import", async () => {
    await using place = await adoptable("goose", { "00003_third.sql": `select pg_sleep(600)` });
    const stop = new AbortController();
    const running = place.run(auto, { signal: stop.signal });
    await place.until("query like '%pg_sleep(600)%' and state = 'active'");
    assert.equal(await place.value(`select pg_try_advisory_lock(${foreignSetups.goose.lockKeys![0]})`), true);
    stop.abort(failedBy);
    await running;
  });
});

const failedBy = new Error("stopped by the test");

test("replicas that adopt at once do it once, and all end well", async () => {
  await using place = await adoptable("flyway");
  const runs = await Promise.all(Array.from({ length: 6 }, () => place.run(auto)));
  for (const run of runs) assert.equal(run.failure?.message, undefined);
  assert.equal(runs.filter(({ report }) => report["adopted"]).length, 1);
  assert.equal(runs.flatMap(({ report }) => report["applied"]).length, 2);
  assert.equal((await historyOf(place)).length, 4);
});

test("a role that may not create the history, or not read the tool's, is refused for good", async () => {
  await using place = await adoptable("goose");
  const role = `guest_${place.url.replace(/.*_/, "")}`;
  await place.query(`create role ${role} login password 'x'; grant select on goose_db_version to ${role}`);
  const words = [...auto, "--database", place.as(`${role}:x`)];
  const run = () => runTask("migrate", [place.folder, "--timeout", "60s", ...words]);
  failed(await run(), "refused");
  await place.query(`revoke select on goose_db_version from ${role}`);
  failed(await run(), "refused");
  assert.equal(await place.exists("initkit_migrations"), false);
});

test("what is adopted stays so when a file fails, and the report says it", async () => {
  await using place = await adoptable("tern", { "003_third.sql": "select 1/0" });
  const { options } = failed(await place.run(auto), "sql");
  assert.equal((options.report as any)["adopted"].tool, "tern");
  await place.put(filesOf(foreignSetups.tern));
  ended(await place.run(auto), "done", foreignSetups.tern.files.slice(2));
});
