import assert from "node:assert/strict";
import { after, before, beforeEach, suite, test } from "node:test";
import { Failure } from "../../src/failure.ts";
import { openSession } from "../../src/postgres/open-session.ts";
import { ScriptError } from "../../src/postgres/script.ts";
import type { Session } from "../../src/postgres/session.ts";
import { databaseSettings } from "../../src/postgres/settings-source.ts";
import { type Postgres, startPostgres } from "../helpers/postgres.ts";

let pg: Postgres;
before(async () => void (pg = await startPostgres()));
after(() => pg.stop());

const open = (signal = new AbortController().signal): Promise<Session> =>
  openSession(databaseSettings(pg.url, {}), { env: {}, signal, applicationName: "initkit/test" });

/** More than the buffers of a connection hold. */
const rows = Array.from({ length: 300_000 }, (_, at) => `${at}\tsome text, 文字 and 😀\n`);
const data = rows.join("");

suite("data of a COPY", () => {
  beforeEach(async () => {
    await using session = await open();
    await session.run(
      "drop table if exists t; drop function if exists act; create table t (id int, name text)",
    );
  });

  /** Makes the server do something at the first row. */
  async function atFirstRow(action: string): Promise<void> {
    await using session = await open();
    await session.run(
      `create function act() returns trigger language plpgsql as $$ begin if new.id = 0 then perform ${action}; end if; return new; end $$;
       create trigger act before insert on t for each row execute function act()`,
    );
  }

  test("arrive as they are, with statements before the COPY in the same message", async () => {
    await using session = await open();
    await session.run("insert into t values (-1, 'x'); copy t from stdin", { data });
    const [row] = await session.query(
      "select count(*)::int as count, md5(string_agg(name, '' order by id)) as digest from t where id >= 0",
    );
    const [expected] = await session.query("select md5(repeat('some text, 文字 and 😀', 300000)) as digest");
    assert.deepEqual(row, { count: rows.length, ...expected });
  });

  test("that are wrong fail at once, and leave the session whole", async () => {
    await using session = await open();
    await assert.rejects(session.run("select 1; copy t from stdin", { data: `x\n${data}` }), (error) => {
      assert.ok(error instanceof ScriptError);
      return error.completed === 1;
    });
    await session.run("copy t from stdin", { data: "1\ta\n" });
    assert.deepEqual(await session.query("select * from t"), [{ id: 1, name: "a" }]);
  });

  test("are no longer sent when the server ends the session", async () => {
    await atFirstRow("pg_terminate_backend(pg_backend_pid())");
    await using session = await open();
    await assert.rejects(session.run("copy t from stdin", { data }), (error) => {
      assert.ok(error instanceof Failure);
      return error.code === "database-unavailable";
    });
  });

  test("are no longer sent when the step is cut off", async () => {
    await atFirstRow("pg_sleep(600)");
    const stop = new AbortController();
    const reason = new Failure("signal", "SIGTERM", { signal: 15 });
    await using session = await open(stop.signal);
    const running = assert.rejects(session.run("copy t from stdin", { data }), (error) => error === reason);
    await using other = await open();
    const sleeping = "select pid from pg_stat_activity where wait_event = 'PgSleep'";
    while ((await other.query(sleeping)).length === 0);
    stop.abort(reason);
    await running;
    assert.deepEqual(await other.query(sleeping), []);
  });
});
