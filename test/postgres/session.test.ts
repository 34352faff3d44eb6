import assert from "node:assert/strict";
import { chmod, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import fc from "fast-check";
import { Failure } from "../../src/failure.ts";
import { statements } from "../../src/migrate/statements.ts";
import { openSession } from "../../src/postgres/open-session.ts";
import { ScriptError } from "../../src/postgres/script.ts";
import type { Session } from "../../src/postgres/session.ts";
import { databaseSettings } from "../../src/postgres/settings-source.ts";
import { issue, makeAuthority } from "../helpers/certificates.ts";
import { startOvertakenLine } from "../helpers/overtaken-line.ts";
import { startPeer } from "../helpers/peers.ts";
import type { Postgres } from "../helpers/postgres.ts";
import { startTlsMiddle } from "../helpers/tls-middle.ts";
import { startTlsPostgres } from "../helpers/tls-postgres.ts";

const authority = makeAuthority();
const client = issue({ name: "by_certificate", issuer: authority });
let pg: Postgres;
let files: string;

before(async () => {
  pg = await startTlsPostgres(authority);
  files = await mkdtemp(join(tmpdir(), "initkit-test-"));
  const contents = {
    ca: authority.cert,
    other: makeAuthority("other CA").cert,
    cert: client.cert,
    key: client.key,
  };
  for (const [name, content] of Object.entries(contents))
    await writeFile(join(files, `${name}.pem`), content);
});

after(async () => {
  await pg.stop();
  await rm(files, { recursive: true });
});

const never = new AbortController().signal;
const open = (url: string, { signal = never, env = {} } = {}): Promise<Session> =>
  openSession(databaseSettings(url, env), { env, signal, applicationName: "initkit/test" });

/** A URL of the server by one of its names, with parameters. */
const at = (user: string, host: string, parameters = ""): string =>
  `postgres://${user}@${host}:${pg.port}/postgres?${parameters.replaceAll("FILES", files)}`;

async function isEncrypted(url: string): Promise<boolean> {
  await using session = await open(url);
  const [row] = await session.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  return row?.["ssl"] === true;
}

async function failureOf(url: string, options = {}): Promise<Failure> {
  try {
    await using session = await open(url, options);
    return assert.fail(`it was let in to ${session.where}`);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    return error;
  }
}

suite("sslmode", () => {
  test("disable speaks no TLS, prefer and stronger ones do", async () => {
    assert.equal(await isEncrypted(at("postgres", "localhost", "sslmode=disable")), false);
    assert.equal(await isEncrypted(at("postgres", "localhost", "sslmode=allow")), false);
    assert.equal(await isEncrypted(at("postgres", "localhost")), true);
    assert.equal(await isEncrypted(at("postgres", "localhost", "sslmode=require")), true);
  });

  test("allow and prefer take the other way where pg_hba.conf wants that", async () => {
    assert.equal(await isEncrypted(at("with_tls", "localhost", "sslmode=allow")), true);
    assert.equal(await isEncrypted(at("without_tls", "localhost", "sslmode=prefer")), false);
    assert.equal((await failureOf(at("with_tls", "localhost", "sslmode=disable"))).code, "refused");
    assert.equal((await failureOf(at("without_tls", "localhost", "sslmode=require"))).code, "refused");
  });

  test("require takes any certificate without a CA, and only a good one with it", async () => {
    assert.equal(await isEncrypted(at("postgres", "127.0.0.1", "sslmode=require")), true);
    assert.equal(
      await isEncrypted(at("postgres", "127.0.0.1", "sslmode=require&sslrootcert=FILES/ca.pem")),
      true,
    );
    assert.equal(
      (await failureOf(at("postgres", "localhost", "sslmode=require&sslrootcert=FILES/other.pem"))).code,
      "refused",
    );
  });

  test("verify-ca looks at the CA and not at the name, verify-full at both", async () => {
    assert.equal(
      await isEncrypted(at("postgres", "127.0.0.1", "sslmode=verify-ca&sslrootcert=FILES/ca.pem")),
      true,
    );
    assert.equal(
      await isEncrypted(at("postgres", "localhost", "sslmode=verify-full&sslrootcert=FILES/ca.pem")),
      true,
    );
    for (const [host, ca] of [
      ["127.0.0.1", "ca"],
      ["localhost", "other"],
    ] as const) {
      const failure = await failureOf(
        at("postgres", host, `sslmode=verify-full&sslrootcert=FILES/${ca}.pem`),
      );
      assert.equal(failure.code, "refused");
      assert.equal(failure.kind, "tls:certificate");
    }
  });

  test("verify-full without a CA trusts the public ones, which is not this one", async () => {
    assert.equal((await failureOf(at("postgres", "localhost", "sslmode=verify-full"))).code, "refused");
  });

  test("does not concern a Unix socket", async () => {
    const url = `postgres://postgres@/postgres?host=${pg.socketDir}&port=${pg.port}&sslmode=verify-full`;
    assert.equal(await isEncrypted(url), false);
  });

  test("allow and prefer live with a server that has no TLS, require does not", async () => {
    await using peer = await startPeer((socket) => {
      socket.once("data", () => socket.write("N"));
      socket.on("data", (bytes) => bytes[4] === 0 && bytes[5] === 3 && socket.destroy());
    });
    const required = await failureOf(`postgres://u@127.0.0.1:${peer.port}/x?sslmode=require`);
    assert.equal(required.code, "refused");
    const preferred = await failureOf(`postgres://u@127.0.0.1:${peer.port}/x`);
    assert.equal(preferred.code, "database-unavailable");
  });
});

test("a client certificate logs in", async () => {
  const url = at(
    "by_certificate",
    "localhost",
    "sslmode=require&sslcert=FILES/cert.pem&sslkey=FILES/key.pem",
  );
  assert.equal(await isEncrypted(url), true);
  assert.equal((await failureOf(at("by_certificate", "localhost", "sslmode=require"))).code, "refused");
});

test("a file that sslrootcert names and that is not there is a configuration error", async () => {
  const failure = await failureOf(
    at("postgres", "localhost", "sslmode=verify-full&sslrootcert=FILES/none.pem"),
  );
  assert.equal(failure.code, "configuration");
  assert.match(failure.message, /sslrootcert/);
});

test("channel_binding=require is kept, and refused where there is none", async () => {
  assert.equal(await isEncrypted(at("app:pass%20word", "localhost", "channel_binding=require")), true);
  assert.equal(
    (await failureOf(at("app:pass%20word", "localhost", "channel_binding=require&sslmode=disable"))).code,
    "refused",
  );
  assert.equal((await failureOf(at("postgres", "localhost", "channel_binding=require"))).code, "refused");
});

test("TLS without asking for it first (sslnegotiation=direct) works", async () => {
  assert.equal(await isEncrypted(at("postgres", "localhost", "sslnegotiation=direct&sslmode=require")), true);
});

test("the password may come from PGPASSWORD as it is", async () => {
  await using session = await open(at("app", "localhost"), { env: { PGPASSWORD: "pass word" } });
  assert.deepEqual(await session.query("select current_user"), [{ current_user: "app" }]);
});

suite("refused for good is", () => {
  for (const [what, user, parameters] of [
    ["a wrong password", "app:wrong", ""],
    ["no password where one is asked for", "app", ""],
    ["an unknown user", "nobody_knows:x", ""],
    ["an unknown database", "postgres", "dbname=nowhere"],
    ["an unknown setting", "postgres", "options=-c%20nonsense%3D1"],
  ] as const) {
    test(what, async () => {
      const { code, permanent } = await failureOf(at(user, "localhost", parameters));
      assert.deepEqual({ code, permanent }, { code: "refused", permanent: true });
    });
  }
});

suite("unavailable is", () => {
  test("a server that is not there", async () => {
    const url = "postgres://u@127.0.0.1:1/x";
    assert.equal((await failureOf(url)).code, "database-unavailable");
  });

  test("a name that does not resolve", async () => {
    assert.equal((await failureOf("postgres://u@nowhere.invalid/x")).code, "database-unavailable");
  });

  test("another program on that port", async () => {
    await using peer = await startPeer((socket) => socket.write("220 mail ESMTP\r\n"));
    assert.equal((await failureOf(`postgres://u@127.0.0.1:${peer.port}/x`)).code, "database-unavailable");
  });

  test("a server that is full", async () => {
    await using session = await open(pg.url);
    await session.run("create database crowded connection limit 0");
    const { code, kind } = await failureOf(`postgres://app:pass%20word@127.0.0.1:${pg.port}/crowded`);
    assert.deepEqual({ code, kind }, { code: "database-unavailable", kind: "postgres:53300" });
  });
});

test("of several hosts, the first that lets us in is taken", async () => {
  await using session = await open(`postgres://postgres@127.0.0.1:1,127.0.0.1:${pg.port}/postgres`);
  assert.equal(session.where, `127.0.0.1:${pg.port}`);
});

suite("of several hosts", () => {
  const readOnly = "options=-c%20default_transaction_read_only%3Don";
  const kindOf = async (wanted: string, more = "") =>
    (await failureOf(at("postgres", "localhost", `target_session_attrs=${wanted}&${more}`))).kind;

  test("one of another kind than target_session_attrs wants is passed over", async () => {
    assert.equal(await kindOf("read-write", readOnly), "postgres:standby");
    assert.equal(await kindOf("read-only"), "postgres:primary");
    assert.equal(await kindOf("standby"), "postgres:primary");
    for (const wanted of ["any", "read-write", "primary", "prefer-standby"]) {
      await using _session = await open(at("postgres", "localhost", `target_session_attrs=${wanted}`));
    }
    await using _readOnly = await open(
      at("postgres", "localhost", `target_session_attrs=read-only&${readOnly}`),
    );
  });

  test("one that is not there is passed over, and one that refuses is not", async () => {
    const next = `127.0.0.1:${pg.port}`;
    await using session = await open(`postgres://postgres@127.0.0.1:1,${next}/postgres`);
    assert.equal(session.where, next);
    const { code } = await failureOf(`postgres://app:wrong@${next},127.0.0.1:1/postgres`);
    assert.equal(code, "refused");
  });

  test("each comes first at times with load_balance_hosts=random", async () => {
    const url = `postgres://postgres@127.0.0.1:${pg.port},localhost:${pg.port}/postgres?load_balance_hosts=random`;
    const seen = new Set<string>();
    while (seen.size < 2) {
      await using session = await open(url);
      seen.add(session.where);
    }
  });
});

suite("a password file", () => {
  const file = (): string => join(files, "pgpass");
  const put = (text: string, mode = 0o600) =>
    writeFile(file(), text, { mode: 0o600 }).then(() => chmod(file(), mode));
  const user = async (
    env: Readonly<Record<string, string>>,
    url = at("app", "localhost"),
  ): Promise<unknown> => {
    await using session = await open(url, { env });
    return (await session.query("select current_user as name"))[0]?.["name"];
  };

  test("gives the password of the first line that matches", async () => {
    await put(`# ours\nother:*:*:app:no\nlocalhost:${pg.port}:post\\gres:app:pass word\n*:*:*:*:never\n`);
    assert.equal(await user({ PGPASSFILE: file() }), "app");
    assert.equal(await user({}, at("app", "localhost", `passfile=${file()}`)), "app");
    await put("*:*:*:app:pass word");
    await rename(file(), join(files, ".pgpass"));
    assert.equal(await user({ HOME: files }), "app");
  });

  test("does not count where a password is given, and is not asked where none is wanted", async () => {
    await put("*:*:*:*:wrong");
    assert.equal(await user({ PGPASSFILE: file(), PGPASSWORD: "pass word" }), "app");
    assert.equal(await user({ PGPASSFILE: file() }, pg.url), "postgres");
  });

  test("that others may read is passed over, as one that is not there, and the failure says so", async () => {
    await put("*:*:*:*:pass word", 0o640);
    const readable = await failureOf(at("app", "localhost"), { env: { PGPASSFILE: file() } });
    assert.equal(readable.code, "refused");
    assert.match(readable.hint!, /others may read/);
    const missing = await failureOf(at("app", "localhost"), { env: { PGPASSFILE: join(files, "none") } });
    assert.match(missing.hint!, /ENOENT/);
  });
});

test("who stands in between cannot pass a login on, as its certificate is another one", async () => {
  const { cert, key } = issue({ name: "db", names: ["localhost"], issuer: makeAuthority("not ours") });
  await using between = await startTlsMiddle(pg.port, { cert, key });
  const url = (parameters: string) =>
    `postgres://app:pass%20word@localhost:${between.port}/postgres?${parameters}`;
  assert.equal(await isEncrypted(url("sslmode=require&channel_binding=disable")), true);
  assert.equal((await failureOf(url("sslmode=require"))).code, "refused");
});

test("a silent server is given up when the signal says so, and nothing stays open", async () => {
  for (const parameters of ["sslmode=disable", "sslmode=require", "sslnegotiation=direct&sslmode=require"]) {
    const stop = new AbortController();
    const reason = new Failure("signal", "stopped", { signal: 15 });
    await using peer = await startPeer((socket) => socket.once("data", () => stop.abort(reason)));
    const url = `postgres://u@127.0.0.1:${peer.port}/x?${parameters}`;
    assert.equal(await failureOf(url, { signal: stop.signal }), reason);
    await peer.idle();
  }
});

suite("a running statement is cancelled when the signal aborts", () => {
  const lockFree = "select pg_try_advisory_lock(1) as free, pg_advisory_unlock(1)";
  for (const parameters of ["sslmode=disable", "sslmode=require"]) {
    test(`with ${parameters}, and its session is over`, async () => {
      const stop = new AbortController();
      const reason = new Failure("signal", "stopped", { signal: 15 });
      await using other = await open(pg.url);
      {
        await using session = await open(at("postgres", "localhost", parameters), { signal: stop.signal });
        session.onNotice = () => stop.abort(reason);
        const sql =
          "select pg_advisory_lock(1); do $$ begin raise notice 'here'; perform pg_sleep(60); end $$";
        await assert.rejects(session.run(sql), (error) => error === reason);
        await assert.rejects(session.query("select 1"), (error) => error === reason);
      }
      assert.equal((await other.query(lockFree))[0]?.["free"], true);
    });
  }
});

test("a statement that reaches the server behind the request to cancel it is cancelled too", async () => {
  const stop = new AbortController();
  const reason = new Failure("signal", "stopped", { signal: 15 });
  await using line = await startOvertakenLine(pg.port, "pg_sleep");
  line.onHeld = () => stop.abort(reason);
  {
    const url = `postgres://postgres@127.0.0.1:${line.port}/postgres?sslmode=disable`;
    await using session = await open(url, { signal: stop.signal });
    const running = session.run("create table overtaken (); select pg_sleep(1)");
    await assert.rejects(running, (error) => error === reason);
  }
  await using other = await open(pg.url);
  assert.deepEqual(await other.query("select to_regclass('overtaken') as made"), [{ made: null }]);
});

test("a session that the server ends is lost, which another try may help", async () => {
  await using session = await open(pg.url);
  await assert.rejects(session.query("select pg_terminate_backend(pg_backend_pid())"), {
    code: "database-unavailable",
  });
  await assert.rejects(session.query("select 1"), { code: "database-unavailable" });
});

test("a script tells how many of its statements have ended well", async () => {
  await using session = await open(pg.url);
  const failing = session.run(
    "select 1; ; -- no\n select 2; create rule r as on insert to pg_class do nothing",
  );
  await assert.rejects(failing, (error) => error instanceof ScriptError && error.completed === 2);
  await session.run("/* nothing */");
  assert.deepEqual(await session.query("select $1::text as x", ["ä"]), [{ x: "ä" }]);
});

test("the server sees as many statements as the lexer does", async () => {
  const anything = fc.string({ unit: "grapheme", maxLength: 12 }).map((text) => text.replaceAll("\0", ""));
  const tag = fc.stringMatching(/^[a-zé_]{0,3}$/);
  const value = fc.oneof(
    anything.map((text) => `'${text.replaceAll("'", "''")}'`),
    anything.map((text) => `E'${text.replaceAll(/[\\']/g, "\\$&")}'`),
    anything.map((text) => `E'a'\n -- ;\n '${text.replaceAll(/[\\']/g, "\\$&")}'`),
    fc.tuple(tag, anything).map(([name, text]) => `$${name}$${text.replaceAll("$", "")};$${name}$`),
    anything.map((text) => `/* ; /* ${text.replaceAll(/[*/]/g, "")} */ ; */ 1`),
    anything.map((text) => `--${text.replaceAll(/[\r\n]/g, "")};\n 2`),
    anything.map((text) => `1 as "${text.replaceAll('"', '""')};"`),
    fc.constantFrom("U&'\\0061;'", "B'01'", "case when true then 1 end", "1.5e3", "(select 1)", "N'x'"),
  );
  const statement = fc
    .array(value, { minLength: 1, maxLength: 4 })
    .map((values) => `select ${values.join(", ")}`);
  await using session = await open(pg.url);
  await fc.assert(
    fc.asyncProperty(fc.array(statement, { maxLength: 5 }), async (all) => {
      const sql = [...all, "select 1/0"].join(";\n;");
      assert.equal([...statements(sql)].length, all.length + 1);
      await assert.rejects(
        session.run(sql),
        (error) => error instanceof ScriptError && error.completed === all.length,
      );
    }),
    { numRuns: 200 },
  );
});

test("COPY FROM STDIN fails instead of waiting for data that never comes", async () => {
  await using session = await open(pg.url);
  await assert.rejects(session.run("create temp table t (x int); copy t from stdin"), ScriptError);
  await session.run("copy (select 1) to stdout");
});
